"""Request bodies: within one budget, and never at the cost of one that comes at once."""

import asyncio
import gzip
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from bot.http.bodies import Bodies, BodyError
from bot.http.listeners import Address, listen, public_application

PIECE = 1000


@pytest.fixture
def bodies():
    """Four kilobytes for all of them, three for each."""
    return Bodies(limit_bytes=3 * PIECE, budget_bytes=4 * PIECE)


@pytest.fixture
async def send(bodies):
    """Send the beginning of a body of some length; return where the answer is read."""

    async def measure(request):
        try:
            async with bodies.read(request) as body:
                return web.Response(text=str(len(body)))
        except BodyError as error:
            return web.Response(status=error.status)

    application = public_application(
        webhooks=measure, webhooks_path="/hook", media=measure, media_path="/media"
    )
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(listen(application, Address("127.0.0.1", 0)))

        async def begin(sent, *, length=None, headers=""):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            stack.callback(writer.close)
            size = f"Content-Length: {len(sent) if length is None else length}"
            if length == -1:
                size = "Transfer-Encoding: chunked"
            head = f"POST /hook HTTP/1.1\r\nHost: a\r\n{size}\r\n{headers}\r\n"
            writer.write(head.encode() + sent)
            await asyncio.sleep(0.02)
            return reader

        yield begin


async def status(reader):
    """Return the status of an answer."""
    async with asyncio.timeout(10):
        return int((await reader.readline()).split()[1])


def chunk(size):
    """Return one chunk of a body whose length is not told."""
    return f"{size:x}\r\n".encode() + bytes(size) + b"\r\n"


async def test_a_whole_body_is_read_and_given_back(send, bodies):
    """What was answered holds nothing any more."""
    reader = await send(bytes(2 * PIECE))
    assert await status(reader) == 200
    assert bodies.held_bytes == 0


@pytest.mark.parametrize(
    ("sent", "length"),
    [
        pytest.param(b"", 3 * PIECE + 1, id="it-says-so"),
        pytest.param(chunk(2 * PIECE) * 2, -1, id="it-grows"),
    ],
)
async def test_a_body_that_is_too_large_is_refused(send, bodies, sent, length):
    """It is refused as soon as that is known, and holds nothing."""
    assert await status(await send(sent, length=length)) == 413
    assert bodies.held_bytes == 0


async def test_the_body_that_waits_longest_makes_room(send, bodies):
    """Two slow senders fill the budget: the older one is given up for one that comes at once."""
    older = await send(bytes(2 * PIECE), length=2 * PIECE + 1)
    newer = await send(bytes(2 * PIECE), length=2 * PIECE + 1)
    assert bodies.held_bytes == 4 * PIECE
    assert await status(await send(bytes(PIECE))) == 200
    assert await status(older) == 408
    assert bodies.held_bytes == 2 * PIECE
    assert not newer.at_eof()


async def test_a_body_that_cannot_be_decoded_is_refused(send, bodies):
    """A wrong encoding costs its sender a 400."""
    reader = await send(b"not gzip", headers="Content-Encoding: gzip\r\n")
    assert await status(reader) == 400
    assert bodies.held_bytes == 0


async def test_a_bomb_is_too_large(send, bodies):
    """What grows when it is decoded is measured as it grows."""
    reader = await send(gzip.compress(bytes(1 << 24)), headers="Content-Encoding: gzip\r\n")
    assert await status(reader) == 413
    assert bodies.held_bytes == 0
