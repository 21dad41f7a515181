"""Read a multipart form as it arrives, a part at a time, whatever its size.

aiohttp's own reader warns of its own deprecated calls now and then, which is an error in tests.
Reference: RFC 7578, multipart/form-data.
"""

from collections.abc import AsyncIterator
from email.parser import HeaderParser
from typing import Final

from aiohttp import (
    StreamReader,
    content_disposition_filename,
    hdrs,
    parse_content_disposition,
)

HEADERS_END: Final = b"\r\n\r\n"


class FormPart:
    """One field or file of a form; its content has to be read before the next part."""

    def __init__(self, headers: bytes, content: AsyncIterator[bytes]) -> None:
        text = headers.decode(errors="replace")  # names are sent as plain UTF-8
        disposition = HeaderParser().parsestr(text)[hdrs.CONTENT_DISPOSITION]
        _, parameters = parse_content_disposition(disposition)
        self.name = content_disposition_filename(parameters, "name") or ""
        self.filename = content_disposition_filename(parameters)
        self.content = content

    async def text(self) -> str:
        """All of it, as text."""
        return b"".join([chunk async for chunk in self.content]).decode()


class FormReader:
    """The parts of a form, in order."""

    def __init__(self, stream: StreamReader, boundary: str) -> None:
        self._stream = stream
        self._mark = f"\r\n--{boundary}".encode()
        self._buffer = bytearray(b"\r\n")

    async def parts(self) -> AsyncIterator[FormPart]:
        """Give one part after the other; a form that is cut short is a `ValueError`."""
        _preamble = [chunk async for chunk in self._until(self._mark)]
        while await self._take(2) != b"--":
            headers = b"".join([chunk async for chunk in self._until(HEADERS_END)])
            yield FormPart(headers, self._until(self._mark))
        await self._stream.read()

    async def _take(self, length: int) -> bytes:
        while len(self._buffer) < length:
            await self._read_more()
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    async def _until(self, mark: bytes) -> AsyncIterator[bytes]:
        """Give what comes before a mark, and go on behind it."""
        while (at := self._buffer.find(mark)) < 0:
            ready = len(self._buffer) - len(mark) + 1
            if ready > 0:
                yield bytes(self._buffer[:ready])
                del self._buffer[:ready]
            await self._read_more()
        content = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        if content:
            yield content

    async def _read_more(self) -> None:
        more = await self._stream.readany()
        if not more:
            raise ValueError("the form is cut short")
        self._buffer += more
