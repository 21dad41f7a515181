"""What a listener does with those who are too many, too slow, or speak no HTTP."""

import asyncio
import logging

import pytest
from aiohttp import web

from bot.connections import Door
from bot.server import Address, listen, public_application

SECRET_PATH = "/there?token=not-for-the-log"


async def _fine(request):
    return web.Response(text="fine")


@pytest.fixture
def public():
    """A public application that answers everything with 'fine'."""
    return public_application(
        hooks=_fine,
        hooks_path="/hook",
        media=_fine,
        media_path="/media",
        routes=[web.get("/there", _fine)],
    )


@pytest.fixture
async def dial(public):
    """Listen with some door; connect to it as often as asked."""
    writers = []
    door = Door(most=3, first_request_s=0.2)
    async with listen(public, Address("127.0.0.1", 0), door) as address:

        async def connect(sent=b""):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writers.append(writer)
            writer.write(sent)
            return reader

        yield connect
        for writer in writers:
            writer.close()


async def read(reader):
    """Return everything until the other side ends the connection, but not for ever."""
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"POST /hook HTTP/1.1\r\nHost: a\r\n", id="half-a-head"),
    ],
)
async def test_who_does_not_ask_is_cut_off(dial, sent):
    """A connection whose first request does not come is ended, without an answer."""
    assert await read(await dial(sent)) == b""


async def test_who_asked_may_rest(dial):
    """The limit is for the first request: one that was answered keeps its connection."""
    ask = b"GET /there HTTP/1.1\r\nHost: a\r\n\r\n"
    reader = await dial(ask)
    assert (await reader.readuntil(b"fine")).startswith(b"HTTP/1.1 200")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await reader.read(1)


async def test_more_connections_than_allowed_are_refused_and_make_room_when_they_end(dial, caplog):
    """A flood cannot take all of the process's files; when it ends, everybody is served again."""
    silent = [await dial() for _ in range(3)]
    assert await read(await dial(b"GET /there HTTP/1.1\r\nHost: a\r\n\r\n")) == b""
    for reader in silent:
        await read(reader)
    answer = await read(await dial(b"GET /there HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
    assert answer.endswith(b"fine")
    assert caplog.messages == ["too many connections, new ones are refused"]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="tls"),
        pytest.param(b"GET " + b"/" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", id="long-path"),
        pytest.param(b"GET /there HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", id="long-header"),
        pytest.param(
            b"GET /there HTTP/1.1\r\n"
            + b"".join(b"X-%d: a\r\n" % number for number in range(200))
            + b"\r\n",
            id="many-headers",
        ),
        pytest.param(
            b"POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", id="length-negative"
        ),
        pytest.param(
            b"POST /hook HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            id="two-lengths",
        ),
        pytest.param(b"GET /there HTTP/1.1\r\nA\x00B: c\r\n\r\n", id="nul-in-a-header"),
    ],
)
async def test_what_is_no_request_is_answered_400_and_nothing_else(dial, caplog, sent):
    """The answer repeats nothing of it, and the log is not filled."""
    caplog.set_level(logging.INFO)
    answer = await read(await dial(sent))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"400"
    assert body == b""
    assert caplog.messages == []


async def test_our_own_bugs_are_logged_and_answered_500(caplog):
    """What fails in a handler is in the log with its traceback; the answer tells nothing."""

    async def fails(request):
        raise ZeroDivisionError

    application = public_application(hooks=_fine, hooks_path="/hook", media=fails, media_path="/")
    async with listen(application, Address("127.0.0.1", 0)) as address:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await read(reader)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 500")
    assert answer.endswith(b"\r\n\r\n")
    assert "ZeroDivisionError" in caplog.text


async def test_nothing_of_an_address_reaches_the_log(dial, caplog):
    """Whatever a stranger asks for, and however it is written, is not written down."""
    caplog.set_level(logging.DEBUG)
    for path in (SECRET_PATH, "/nowhere%0aERROR forged", "/media/%1b[31m", "/hook/../..%00"):
        ask = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        await read(await dial(ask.encode()))
    assert not any("forged" in text or "token" in text for text in caplog.messages)
