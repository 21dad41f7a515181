"""Helpers for the wire: clean text, moments, JSON, and a tolerant way to read it.

Kommo's bodies vary more than their tables say: a value it does not know is absent, null, empty
or 0, and numbers come as strings. `Fields` reads them all the same way.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from kommo.errors import PayloadError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_END_OF_TIME_MS = 253_402_300_800_000
"""The year 10000, which `datetime` does not reach."""

_LONGEST_NUMBER = 18
"""Digits of a number in a string; what is longer is no size and no moment."""


def clean(text: str) -> str:
    """Return a text that every JSON parser takes: without NUL and without half characters."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "")


def milliseconds(moment: datetime) -> int:
    """Return a moment as Unix milliseconds."""
    return (moment - _EPOCH) // _MILLISECOND


def moment_of(unix_ms: int) -> datetime | None:
    """Return Unix milliseconds as a moment; None when they name none."""
    return _EPOCH + unix_ms * _MILLISECOND if 0 < unix_ms < _END_OF_TIME_MS else None


def present(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without what is unknown: such keys are left out of a call."""
    return {key: value for key, value in data.items() if value is not None and value != {}}


def encode(data: Mapping[str, Any]) -> bytes:
    """Return an object as the bytes to sign and send: compact JSON in UTF-8."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def decode(body: bytes) -> "Fields":
    """Read a body that is a JSON object in UTF-8.

    Raises:
        PayloadError: it is not.
    """
    try:
        data = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise PayloadError("the body is not JSON") from error
    if not isinstance(data, dict):
        raise PayloadError("the body is not a JSON object")
    return Fields(data)


class Fields:
    """One JSON object, read field by field; what is not an object has no fields.

    Args:
        data: what was parsed.
        path: where it stands in the body, for messages.
    """

    def __init__(self, data: object, path: str = "") -> None:
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        self._path = path

    def __bool__(self) -> bool:
        return bool(self.data)

    def optional(self, key: str) -> str | None:
        """Return a text or an id; None when it is absent or empty."""
        value = self.data.get(key)
        if isinstance(value, str):
            return clean(value) or None
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else None

    def text(self, key: str) -> str:
        """Return a text, empty when it is absent."""
        return self.optional(key) or ""

    def required(self, key: str) -> str:
        """Return a text or an id that has to be there.

        Raises:
            PayloadError: it is absent or empty.
        """
        value = self.optional(key)
        if value is None:
            raise PayloadError(f"{self._path}{key} is missing")
        return value

    def integer(self, key: str) -> int | None:
        """Return a whole number; None when it is absent."""
        value = self.data.get(key)
        if isinstance(value, str):
            is_number = value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER
            return int(value) if is_number else None
        number = self.decimal(key)
        return None if number is None else int(number)

    def decimal(self, key: str) -> float | None:
        """Return a number; None when it is absent, and for what is no finite number."""
        value = self.data.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    def size(self, key: str) -> int | None:
        """Return a size in bytes; None when it is absent or 0, which means unknown."""
        number = self.integer(key)
        return number if number is not None and number > 0 else None

    def seconds(self, key: str) -> datetime | None:
        """Return a moment given in Unix seconds."""
        number = self.integer(key)
        return None if number is None else moment_of(number * 1000)

    def moment(self) -> datetime | None:
        """Return the moment of a message, as exactly as it is given."""
        number = self.integer("msec_timestamp")
        exact = None if number is None else moment_of(number)
        return exact or self.seconds("timestamp")

    def child(self, key: str) -> "Fields":
        """Return an object inside this one, without fields when it is absent."""
        return Fields(self.data.get(key), f"{self._path}{key}.")

    def elements(self, key: str) -> Sequence[object]:
        """Return the elements of a list, whatever they are; none when it is absent."""
        value = self.data.get(key)
        return value if isinstance(value, list) else []

    def children(self, key: str) -> list["Fields"]:
        """Return the objects of a list; what is no object is left out."""
        value = self.data.get(key)
        return _objects(value, f"{self._path}{key}[].")

    def rows(self, key: str) -> list[list["Fields"]]:
        """Return the objects of a list of lists; one that stands alone is a row of its own."""
        value = self.data.get(key)
        rows = value if isinstance(value, list) else []
        path = f"{self._path}{key}[][]."
        return [_objects(row if isinstance(row, list) else [row], path) for row in rows]


def _objects(value: object, path: str) -> list[Fields]:
    items = value if isinstance(value, list) else []
    return [Fields(item, path) for item in items if isinstance(item, dict)]


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser takes and JSON does not know."""
    raise ValueError(constant)
