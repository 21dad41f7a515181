"""HTTP as slim as it can be, for both ends of the load: it must not be what is measured.

Good for what the clients here send: one request at a time on a connection, with a length.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import cast

END = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True)
class Request:
    """One request; the head as it came."""

    method: str
    path: str
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's value, empty when it is absent."""
        key = name.lower()
        for line in self.head.split(b"\r\n")[1:]:
            given, _colon, value = line.decode("latin-1").partition(":")
            if given.lower() == key:
                return value.strip()
        return ""


Answer = bytes | Awaitable[bytes]
Handle = Callable[[Request], Answer]


def answer(body: bytes, status: int = 200) -> bytes:
    """Return a whole answer with a JSON body."""
    return (
        b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nDate: %b\r\n"
        b"Content-Length: %d\r\n\r\n" % (status, _date(int(time.time())), len(body))
    ) + body


class _Dates:
    """The `Date` header, made once a second."""

    second = 0
    text = b""


def _date(second: int) -> bytes:
    if _Dates.second != second:
        _Dates.second, _Dates.text = second, formatdate(second, usegmt=True).encode()
    return _Dates.text


class _Served(asyncio.Protocol):
    """One connection of a server."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(END)
        if end < 0:
            return
        head = self._buffer[:end]
        size = end + len(END) + _length(head)
        if len(self._buffer) < size:
            return
        body, self._buffer = self._buffer[end + len(END) : size], self._buffer[size:]
        method, path, _version = head[: head.find(b"\r\n")].decode("latin-1").split(" ", 2)
        self._write(self._handle(Request(method, path, head, body)))

    def _write(self, content: Answer) -> None:
        if isinstance(content, bytes):
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write(content)
            return
        self._waiting = asyncio.ensure_future(content)
        self._waiting.add_done_callback(self._later)

    def _later(self, done: asyncio.Future[bytes]) -> None:
        self._waiting = None
        if not done.cancelled():
            self._write(done.result())


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(LENGTH)
    if at < 0:
        return 0
    return int(lowered[at + len(LENGTH) :].split(b"\r\n", 1)[0])


@asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[str]:
    """Serve on any free port of loopback; yields the address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Served(handle), "127.0.0.1", 0, backlog=512)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


class Poster(asyncio.Protocol):
    """One connection that posts requests, one after another."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._status: asyncio.Future[int] | None = None

    @classmethod
    async def connect(cls, port: int) -> "Poster":
        """Open a connection to loopback."""
        loop = asyncio.get_running_loop()
        _transport, poster = await loop.create_connection(cls, "127.0.0.1", port)
        return poster

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._status is not None and not self._status.done():
            self._status.set_exception(exc or ConnectionResetError("closed without an answer"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(END)
        if end < 0 or len(self._buffer) < end + len(END) + _length(self._buffer[:end]):
            return
        status, self._buffer = int(self._buffer[9:12]), b""
        if self._status is not None and not self._status.done():
            self._status.set_result(status)

    async def post(self, request: bytes) -> int:
        """Send one whole request; return the answer's status."""
        if self._transport is None:
            raise ConnectionError("not connected")
        self._status = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._status

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


def post_request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return the bytes of a POST."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def flood(port: int, requests: list[bytes], connections: int) -> list[float]:
    """Post all of them over so many connections; return how long each answer took in seconds.

    Raises:
        RuntimeError: an answer was not 200.
    """
    left, took = iter(requests), list[float]()

    async def go_on() -> None:
        poster = await Poster.connect(port)
        try:
            for request in left:
                began = time.perf_counter()
                status = await poster.post(request)
                took.append(time.perf_counter() - began)
                if status != 200:
                    raise RuntimeError(f"a request was answered {status}")
        finally:
            poster.close()

    await asyncio.gather(*(go_on() for _ in range(connections)))
    return took
