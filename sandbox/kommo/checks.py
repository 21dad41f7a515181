"""Checks of strictly typed JSON: numbers as numbers, booleans as booleans.

A check says what is wrong with a value, one line for each problem.
Reference: Kommo, Authorization and headers (Chats API).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Problems = Iterator[str]
Check = Callable[[Any, str], Problems]

SOURCE_ID = re.compile(r"[ -~]{1,40}")  # printable ASCII and spaces


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body.

    Raises:
        ValueError: it is not UTF-8, not JSON, not an object, or holds half a character.
    """
    try:
        value = _DECODER.decode(body.decode())
    except RecursionError as error:
        raise ValueError("the body is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("the body has to be an object")
    if b"\\u" in body:  # an escaped half of a pair survives parsing
        json.dumps(value, ensure_ascii=False).encode()
    return value


def text(value: Any, path: str) -> Problems:
    """Want a string."""
    if not isinstance(value, str):
        yield f"{path}: has to be a string"


def filled(value: Any, path: str) -> Problems:
    """Want a string that is not empty."""
    if not isinstance(value, str) or not value:
        yield f"{path}: has to be a string that is not empty"


def link(value: Any, path: str) -> Problems:
    """Want an absolute HTTP address."""
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        yield f"{path}: has to be an HTTP address"


def whole(value: Any, path: str) -> Problems:
    """Want a whole number that is not negative."""
    if type(value) is not int or value < 0:
        yield f"{path}: has to be a whole number"


def number(value: Any, path: str) -> Problems:
    """Want a number, whole or not."""
    if type(value) not in {int, float}:
        yield f"{path}: has to be a number"


def flag(value: Any, path: str) -> Problems:
    """Want a boolean."""
    if not isinstance(value, bool):
        yield f"{path}: has to be a boolean"


def source_id(value: Any, path: str) -> Problems:
    """Want the external id of a source."""
    if not isinstance(value, str) or not SOURCE_ID.fullmatch(value):
        yield f"{path}: has to be 1-40 printable ASCII characters"


def one_of(*values: Any) -> Check:
    """Want one of these values, of the very same type."""

    def check(value: Any, path: str) -> Problems:
        if not any(type(value) is type(one) and value == one for one in values):
            yield f"{path}: has to be one of {', '.join(map(str, values))}"

    return check


def shape(
    required: Mapping[str, Check] | None = None, optional: Mapping[str, Check] | None = None
) -> Check:
    """Want an object with these keys; others are tolerated."""
    needed = required or {}
    allowed = {**(optional or {}), **needed}

    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, dict):
            yield f"{path}: has to be an object"
            return
        prefix = f"{path}." if path else ""
        for key in needed:
            if key not in value:
                yield f"{prefix}{key}: is required"
        for key, inner in value.items():
            if key in allowed:
                yield from allowed[key](inner, f"{prefix}{key}")

    return check
