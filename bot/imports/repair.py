r"""Telegram Desktop's JSON made valid as it is read: it writes control characters as `\xNN`.

Reference: Telegram Desktop, export_output_json.cpp (SerializeString).
"""

import codecs
import re
from typing import BinaryIO

BLOCK_BYTES = 1 << 16
LONGEST_ESCAPE = 4

_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")


class Repaired:
    """A file whose escapes are JSON's, and whose bytes are UTF-8."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rest = b""
        self._text = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self.read_bytes = 0
        """How far it was read."""

    def read(self, size: int = -1) -> bytes:
        """Return the next part, of about that size; nothing at the end."""
        if size == 0:
            return b""
        while True:
            block = self._file.read(BLOCK_BYTES)
            self.read_bytes += len(block)
            data = self._rest + self._text.decode(block, final=not block).encode()
            cut = _cut(data) if block else len(data)
            self._rest = data[cut:]
            if cut or not block:
                return _mended(data[:cut])


def _mended(data: bytes) -> bytes:
    return _ESCAPE.sub(rb"\1\\u00\2", data) if rb"\x" in data else data


def _cut(data: bytes) -> int:
    """Return where to cut so that no escape is cut, nor a row of backslashes."""
    at = data.find(b"\\", max(0, len(data) - LONGEST_ESCAPE))
    if at < 0:
        return len(data)
    while at and data[at - 1] == ord("\\"):
        at -= 1
    return at
