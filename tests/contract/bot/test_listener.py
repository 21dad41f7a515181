"""What a listener does with those who are too many, too slow, or speak no HTTP."""

import asyncio
import logging

import pytest
from aiohttp import web

from bot.http.connections import Door
from bot.http.listeners import Address, listen, public_application
from bot.http.refusals import Refusals

SECRET_PATH = "/there?token=not-for-the-log"


async def _fine(request):
    return web.Response(text="fine")


async def _slow(request):
    await asyncio.sleep(0.4)
    return web.Response(text="fine")


async def _refused(request):
    return web.Response(status=403)


def ask(path, *headers):
    """Return a request."""
    lines = [f"GET {path} HTTP/1.1", "Host: a", *headers, "", ""]
    return "\r\n".join(lines).encode()


@pytest.fixture
def public():
    """A public application that answers everything with 'fine'."""
    return public_application(
        webhooks=_fine,
        webhooks_path="/hook",
        media=_fine,
        media_path="/media",
        routes=[
            web.get("/there", _fine),
            web.get("/slow", _slow),
            web.get("/refused", _refused),
        ],
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
    reader = await dial(ask("/there"))
    assert (await reader.readuntil(b"fine")).startswith(b"HTTP/1.1 200")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await reader.read(1)


async def test_the_one_that_waits_longest_makes_room_for_a_new_one(dial, caplog):
    """A flood of connections that ask for nothing keeps nobody out."""
    silent = [await dial() for _ in range(3)]
    answer = await read(await dial(ask("/there", "Connection: close")))
    assert answer.endswith(b"fine")
    async with asyncio.timeout(0.15):  # less than a silent one may take
        assert await read(silent[0]) == b""
    assert caplog.messages == ["too many connections, those that wait longest are closed"]


async def test_one_that_asked_and_rests_makes_room_too(dial):
    """Connections that are kept for a next request are closed for a new one."""
    resting = [await dial(ask("/there")) for _ in range(3)]
    for reader in resting:
        await reader.readuntil(b"fine")
    assert (await read(await dial(ask("/there", "Connection: close")))).endswith(b"fine")
    assert await read(resting[0]) == b""


async def test_when_all_are_at_work_a_new_one_is_refused(dial, caplog):
    """What is being answered is never cut off; when it has ended, there is room again."""
    working = [await dial(ask("/slow")) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert await read(await dial(ask("/there"))) == b""
    for reader in working:
        assert (await reader.readuntil(b"fine")).startswith(b"HTTP/1.1 200")
    assert (await read(await dial(ask("/there", "Connection: close")))).endswith(b"fine")
    assert caplog.messages[0] == "too many connections, new ones are refused"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/nowhere", b"404", id="no-such-path"),
        pytest.param("/hook", b"405", id="wrong-method"),
        pytest.param("/refused", b"403", id="refused"),
    ],
)
async def test_a_refusal_ends_the_connection_and_names_no_program(dial, path, status):
    """Whoever asks for what is not theirs holds no connection, and learns nothing of us."""
    answer = await read(await dial(ask(path)))
    head, _, _body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == status
    assert b"server:" not in head.lower()


@pytest.mark.parametrize("sent", [b"GET /there HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n"])
async def test_no_answer_names_the_program(dial, sent):
    """Neither a good answer nor one to nonsense says which version of what gives it."""
    reader = await dial(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.")
    assert b"server:" not in head.lower()
    assert b"aiohttp" not in head.lower()


async def test_what_strangers_send_is_summed_up(caplog):
    """The first refusal of a kind is said at once; then how many there were, once a minute."""
    refusals = Refusals(logging.getLogger("bot.tested"), every_s=0.05)
    for _ in range(1000):
        refusals.warn("webhook refused: no signature")
    refusals.warn("media link refused: forged")
    assert caplog.messages == ["webhook refused: no signature", "media link refused: forged"]
    await asyncio.sleep(0.2)
    assert caplog.messages[2:] == [
        "webhook refused: no signature: 999 more times within the last 0 s"
    ]


async def test_kinds_of_refusals_are_limited(caplog):
    """Whoever invents new ones again and again fills no memory and no log."""
    refusals = Refusals(logging.getLogger("bot.tested"))
    for number in range(1000):
        refusals.warn(f"refused: {number}")
    assert len(caplog.messages) == 51
    assert caplog.messages[-1] == "other requests refused"


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

    application = public_application(
        webhooks=_fine, webhooks_path="/hook", media=fails, media_path="/"
    )
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
        await read(await dial(ask(path, "Connection: close")))
    assert not any("forged" in text or "token" in text for text in caplog.messages)
