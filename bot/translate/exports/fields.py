"""Reading what an export says: a field that is odd is one that is not there. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.translate.ids import ID_LIMIT

Json = Mapping[str, Any]

_USER = re.compile(r"(?:user)?(\d{1,16})", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,16}", re.ASCII)


def words(value: Any) -> str:
    """Return what a text says: plain, in pieces, or as an object that holds one."""
    match value:
        case str():
            return value
        case list():
            return "".join(map(words, value))
        case {"text": inner}:
            return words(inner)
        case _:
            return ""


def number(value: Any) -> int | None:
    """Return a whole number, also where it stands in quotes."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    is_one = isinstance(value, int) and not isinstance(value, bool)
    return value if is_one and abs(value) < ID_LIMIT else None


def amount(value: Any) -> int | None:
    """Return a number that counts something: not below zero."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def items(value: Any) -> Iterator[Json]:
    """Return the objects of a list."""
    yield from (
        (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()
    )


def user_id(value: Any) -> int | None:
    """Return the user that an id names: `user123`, or a plain number in very old exports."""
    match = _USER.fullmatch(str(value)) if isinstance(value, str | int) else None
    found = int(match[1]) if match and not isinstance(value, bool) else None
    return found if found is not None and 0 < found < ID_LIMIT else None
