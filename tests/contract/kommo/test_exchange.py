"""Whatever a server answers, a call ends: within its time, within its size, with an error."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from bot.http.kommo_transport import AiohttpTransport
from bot.http.kommo_wire import KommoWire
from kommo.chats import NO_CHAT, ChatsApi, Identity
from kommo.errors import NoAnswerError, UnreachableError
from kommo.exchange import Limits, OverHttpx, exchange
from kommo.ids import ChannelId, ScopeId
from kommo.limits import ChatsLimits

LIMITS = Limits(total_s=0.3, most_bytes=10_000)
OK = b"HTTP/1.1 200 OK\r\n"
BODY = b'{"a":1}'
Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(write: Write) -> AsyncIterator[str]:
    """Serve: read a request's head, and write as told."""
    writing: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        task = asyncio.current_task()
        assert task is not None
        writing.append(task)
        try:
            await write(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for task in writing:
            task.cancel()
        server.close()


def saying(head: bytes, body: bytes) -> Write:
    """Write one answer at once."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return write


def dripping(head: bytes) -> Write:
    """Write a byte now and then, for ever."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    return write


async def endless(writer: asyncio.StreamWriter) -> None:
    """Write as fast as it can, for ever."""
    writer.write(OK + b"Connection: close\r\n\r\n")
    while True:
        writer.write(b"x" * 4096)
        await writer.drain()


def coded(body: bytes, coding: str) -> Write:
    """Write an answer that says how it is packed."""
    return saying(b"Content-Encoding: " + coding.encode() + b"\r\n", body)


def bare(body: bytes) -> bytes:
    """Deflate without a frame, as some servers do."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


BAD = [
    pytest.param(dripping(OK + b"Content-Length: 9000\r\n\r\n"), id="drips"),
    pytest.param(dripping(OK + b"Connection: close\r\n\r\n"), id="drips-without-length"),
    pytest.param(dripping(OK + b"X-Slow: "), id="drips-its-headers"),
    pytest.param(endless, id="never-ends"),
    pytest.param(saying(b"", b"x" * 10_001), id="too-big"),
    pytest.param(coded(gzip.compress(b"x" * 10_001), "gzip"), id="bomb"),
    pytest.param(coded(gzip.compress(b"x" * 50_000_000), "gzip"), id="big-bomb"),
    pytest.param(
        coded(gzip.compress(gzip.compress(b"x" * 9_000_000)), "gzip, gzip"), id="double-bomb"
    ),
    pytest.param(coded(zlib.compress(b"x" * 10_001), "deflate"), id="deflate-bomb"),
    pytest.param(coded(BODY, "gzip"), id="not-packed"),
    pytest.param(coded(gzip.compress(BODY)[:-3], "gzip"), id="packed-and-cut"),
    pytest.param(coded(gzip.compress(BODY), "deflate"), id="packed-otherwise"),
]
"""What does not end well."""

GOOD = [
    pytest.param(saying(b"", BODY), id="plain"),
    pytest.param(coded(gzip.compress(BODY), "gzip"), id="gzip"),
    pytest.param(coded(gzip.compress(BODY), "x-gzip"), id="x-gzip"),
    pytest.param(coded(zlib.compress(BODY), "deflate"), id="deflate"),
    pytest.param(coded(bare(BODY), "deflate"), id="deflate-bare"),
    pytest.param(coded(zlib.compress(gzip.compress(BODY)), "gzip, deflate"), id="twice"),
    pytest.param(coded(BODY, "identity"), id="identity"),
    pytest.param(coded(BODY, "utf-8"), id="no-coding-at-all"),
    pytest.param(saying(b"Content-Type: text/html; charset=odd\r\n", BODY), id="charset"),
]
"""The same body, packed in all the ways."""


@pytest.fixture(params=["aiohttp", "httpx"])
def transport(request: pytest.FixtureRequest) -> httpx.AsyncBaseTransport:
    """Both ways to Kommo: ours, and httpx's own behind a proxy."""
    is_ours = request.param == "aiohttp"
    return AiohttpTransport(1, LIMITS) if is_ours else httpx.AsyncHTTPTransport(verify=False)


async def asked(write: Write, transport: httpx.AsyncBaseTransport) -> httpx.Response:
    """Ask once."""
    async with (
        answering(write) as url,
        httpx.AsyncClient(transport=transport, timeout=5, base_url=url) as http,
        asyncio.timeout(5),
    ):
        return await exchange(http, http.build_request("GET", "/"), limits=LIMITS)


@pytest.mark.parametrize("write", BAD)
async def test_what_does_not_end_well_is_an_error_in_time(
    write: Write, transport: httpx.AsyncBaseTransport
) -> None:
    """Drips, floods and bombs are told in httpx's own errors, like any other failure."""
    with pytest.raises(httpx.HTTPError):
        await asked(write, transport)


@pytest.mark.parametrize("write", BAD)
async def test_the_wire_tells_what_does_not_end_well(write: Write) -> None:
    """In time, and that the call may have been carried out."""
    async with answering(write) as url, KommoWire(url, connections=1) as wire, asyncio.timeout(5):
        with pytest.raises(NoAnswerError) as raised:
            await wire.send("GET", "/", body=b"", headers={}, limits=LIMITS)
    assert raised.value.was_sent


async def test_the_wire_tells_what_was_never_sent() -> None:
    """Nobody listens: it can be repeated without a doubt."""
    async with KommoWire("http://127.0.0.1:9", connections=1) as wire:
        with pytest.raises(NoAnswerError) as raised:
            await wire.send("GET", "/", body=b"", headers={}, limits=LIMITS)
    assert not raised.value.was_sent


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "http://", "nonsense"])
async def test_an_odd_address_is_an_error_of_the_wire(address: str) -> None:
    """No traceback, and nothing was sent."""
    async with KommoWire(address, connections=1) as wire:
        with pytest.raises(NoAnswerError) as raised:
            await wire.send("GET", "/", body=b"", headers={}, limits=LIMITS)
    assert not raised.value.was_sent


@pytest.mark.parametrize("write", GOOD)
async def test_the_wire_unpacks(write: Write) -> None:
    """Whatever the coding, and headers are found in any case."""
    async with answering(write) as url, KommoWire(url, connections=1) as wire:
        reply = await wire.send("GET", "/", body=b"", headers={}, limits=LIMITS)
    assert (reply.is_success, reply.content) == (True, BODY)
    assert reply.headers.get("content-length")


async def test_an_answer_that_drips_gives_its_place_back(
    transport: httpx.AsyncBaseTransport,
) -> None:
    """Who never ends holds up the others for the time limit only."""
    async with (
        answering(dripping(OK + b"Connection: close\r\n\r\n")) as url,
        httpx.AsyncClient(transport=transport, timeout=5, base_url=url) as http,
        asyncio.timeout(5),
    ):
        chats = ChatsApi(
            OverHttpx(http),
            Identity(ChannelId("c"), ScopeId("c_a"), "fa4e" * 10),
            now=lambda: datetime.now(UTC),
            pace=ChatsLimits(1),
            limits=LIMITS,
        )
        for _ in range(2):
            with pytest.raises(UnreachableError) as raised:
                await chats.history(NO_CHAT)
            assert raised.value.was_sent


@pytest.mark.parametrize("write", GOOD)
async def test_what_can_be_read_is_read(write: Write, transport: httpx.AsyncBaseTransport) -> None:
    """An answer comes unpacked, whoever carried it."""
    answer = await asked(write, transport)
    assert (answer.status_code, answer.content) == (200, BODY)
