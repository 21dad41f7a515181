"""What goes wrong on purpose, and servers that go down."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.faults import Call
from sandbox.http import SandboxServer, bound_socket, json_response


class EchoServer(SandboxServer):
    """The smallest server: it remembers and returns what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """One route."""
        return [web.post("/{name:echo.*}", self._receive)]

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        call = Call(request, request.match_info["name"], chat_id=request.query.get("chat"))
        return await self.guarded(call, lambda: self._echo(text))

    async def _echo(self, text: str) -> web.Response:
        self.heard.append(text)
        return json_response({"text": text})


@asynccontextmanager
async def client_of(server: SandboxServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that goes on after failures."""
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
async def server() -> AsyncIterator[EchoServer]:
    """An echo on loopback."""
    made = EchoServer()
    async with made.serving():
        yield made


@pytest.fixture
async def http(server: EchoServer) -> AsyncIterator[aiohttp.ClientSession]:
    """Its client."""
    async with client_of(server) as session:
        yield session


async def say(http: aiohttp.ClientSession, text: str = "x", path: str = "/echo") -> int:
    """Say something; return the answer's status."""
    async with http.post(path, data=text) as answer:
        await answer.read()
        return answer.status


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_faults_hit_as_often_as_told(
    server: EchoServer, http: aiohttp.ClientSession
) -> None:
    """A failure hits the next requests and is then over; nothing was carried out."""
    fault = server.faults.fail("echo", status=503, times=2)
    assert [await say(http, text) for text in ("a", "b", "c")] == [503, 503, 200]
    assert (server.heard, fault.hits) == (["c"], 2)


async def test_the_next_answers_by_status(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """Several failures come one after the other."""
    server.fail_with(500, 404)
    assert [await say(http) for _ in range(3)] == [500, 404, 200]


async def test_faults_can_be_aimed(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """A failure hits only what it matches: by name, by chat, by anything."""
    server.faults.fail("echo/*/b", status=400)
    server.faults.fail(chat_id=7, status=401)
    server.faults.fail(where=lambda call: "y" in call.request.query, status=402)
    paths = ["/echo", "/echo/x/a", "/echo/x/bc", "/echo?chat=7", "/echo?y=1", "/echo?chat=7"]
    assert [await say(http, path=path) for path in paths] == [200, 200, 400, 401, 402, 200]


async def test_faults_can_be_taken_away(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """What lasts until further notice ends with it."""
    fault = server.faults.fail(status=500, times=None)
    other = server.faults.fail(status=501, times=None)
    assert await say(http) == 500
    server.faults.remove(fault)
    assert await say(http) == 501
    server.faults.remove(other)
    server.faults.remove(other)
    assert await say(http) == 200


async def test_rate_limits_say_when_to_come_back(
    server: EchoServer, http: aiohttp.ClientSession
) -> None:
    """A 429 carries its pause as a header, and any body."""
    server.faults.fail(status=429, retry_after=2, body={"why": "flood"})
    async with http.post("/echo") as answer:
        assert answer.headers["Retry-After"] == "2"
        assert await answer.json() == {"why": "flood"}


async def test_a_proxy_may_answer_instead(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """A page in HTML comes with its type."""
    server.faults.html()
    async with http.post("/echo") as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")


async def test_lost_answers(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """What fails after processing has happened, and what fails before has not."""
    server.faults.fail("echo", status=500, after_processing=True)
    assert await say(http, "done") == 500
    server.faults.reset(after_processing=True)
    server.faults.reset()
    for text in ("done too", "not done"):
        with pytest.raises(aiohttp.ClientError):
            await say(http, text)
    assert server.heard == ["done", "done too"]


async def test_hanging_ends_with_time_or_release(
    server: EchoServer, http: aiohttp.ClientSession
) -> None:
    """A request that hangs is carried out at last, or has been before."""
    server.faults.hang(seconds=0.1)
    assert await say(http, "after a while") == 200
    fault = server.faults.hang(after_processing=True)
    waiting = asyncio.create_task(say(http, "at once"))
    await eventually(lambda: "at once" in server.heard)
    assert not waiting.done()
    fault.release()
    assert await waiting == 200
    server.faults.hang()
    waiting = asyncio.create_task(say(http, "cleared"))
    await asyncio.sleep(0.05)
    server.faults.add(server.faults.hang())
    server.faults.clear()
    await asyncio.sleep(0)


async def test_stopping_does_not_wait_for_what_hangs() -> None:
    """A server stops within a second, whatever hangs."""
    server = EchoServer()
    async with server.serving():
        server.faults.hang()
        server.background(asyncio.sleep(60))
        async with client_of(server) as http:
            waiting = asyncio.create_task(say(http))
            await asyncio.sleep(0.05)
            began = time.monotonic()
            await server._stop()
            assert time.monotonic() - began < 1
            with pytest.raises(aiohttp.ClientError):
                await waiting
    assert server.heard == []


async def test_down_and_back(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """A server that is down refuses connections, and comes back at the same address."""
    server.faults.hang()
    waiting = asyncio.create_task(say(http, "lost"))
    await asyncio.sleep(0.05)
    server.is_down = True
    server.is_down = True
    with pytest.raises(aiohttp.ClientError):
        await waiting
    with pytest.raises(aiohttp.ClientConnectorError):
        await say(http, "refused")
    assert server.is_down
    server.is_down = False
    assert await say(http, "back") == 200
    server.faults.clear()


async def test_up_and_down_at_once(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """Going down again before it was quite back leaves it down."""
    for is_down in (True, False, True):
        server.is_down = is_down
    await asyncio.sleep(0.05)
    with pytest.raises(aiohttp.ClientError):
        await say(http)
    server.is_down = False
    assert await say(http) == 200


async def test_an_answer_that_drips(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """It begins like a success, goes on for ever, and is never whole."""
    fault = server.faults.drip("echo")
    async with http.post("/echo", data="x") as answer:
        assert answer.status == 200
        assert await answer.content.read(2)
        assert not answer.content.at_eof()
        fault.release()
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
    server.faults.drip("echo", seconds=0.05, after_processing=True)
    with pytest.raises(aiohttp.ClientError):
        await say(http, "carried out")
    assert server.heard == ["carried out"]
    assert await say(http) == 200


async def test_who_gives_up_a_drip_is_let_go(
    server: EchoServer, http: aiohttp.ClientSession
) -> None:
    """A client with a time limit ends it for both."""
    server.faults.drip("echo")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await say(http)
    assert await say(http) == 200


async def test_latency(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """Every answer takes its time."""
    server.latency_s = 0.1
    began = time.monotonic()
    await say(http)
    assert time.monotonic() - began >= 0.1


async def test_an_address_in_use_is_an_error(server: EchoServer) -> None:
    """A port that somebody else listens on is not taken."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            bound_socket("127.0.0.1", other.getsockname()[1])


async def control(http: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> Any:
    """What a control route answers."""
    data = body if isinstance(body, str | None) else json.dumps(body)
    async with http.request(method, f"/sandbox/{path}", data=data) as answer:
        return await answer.json()


async def test_faults_from_outside(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """Another process can let requests fail, and is told what it got wrong."""
    fault = {"kind": "fail", "what": "echo", "status": 418, "times": None}
    assert await control(http, "POST", "faults", fault) == {"faults": 1}
    assert await say(http) == 418
    assert await control(http, "DELETE", "faults") == {"faults": 0}
    assert await control(http, "POST", "faults", "echo") == {"faults": 1}
    assert await say(http) == 500
    for wrong in ({"kind": "explode"}, {"kind": "reset", "loudly": True}):
        assert "error" in await control(http, "POST", "faults", wrong)


async def test_down_from_outside(server: EchoServer, http: aiohttp.ClientSession) -> None:
    """Another process can take a server down for a while."""
    assert await control(http, "POST", "down", {"seconds": 0.2}) == {"down_s": 0.2}
    assert "error" in await control(http, "POST", "down", {"seconds": "soon"})
    await eventually(lambda: server.is_down)
    await eventually(lambda: not server.is_down)
    assert await say(http) == 200


def test_a_server_without_routes_of_its_own() -> None:
    """A server need not have routes, and is not down before it has begun."""
    server = SandboxServer()
    assert server.routes() == []
    assert not server.is_down
    assert list(server.faults) == []
