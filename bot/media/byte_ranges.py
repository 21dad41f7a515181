"""The byte range that a request asks for (pure). Reference: RFC 9110, Range."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class UnsatisfiableError(Exception):
    """The part lies outside of the file."""

    def __init__(self, size: int) -> None:
        super().__init__(f"outside of {size} bytes")
        self.size = size


@dataclass(frozen=True)
class Part:
    """Bytes from `start` up to, but not with, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Return how many bytes these are."""
        return self.end - self.start


def part_of(header: str | None, size: int) -> Part | None:
    """Return the part that a Range header names; None for all of the file.

    Several ranges at once, and what cannot be read, count as none, which a server may do.

    Raises:
        UnsatisfiableError: there is no such part.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise UnsatisfiableError(size)
    return Part(start, end)
