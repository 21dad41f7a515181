"""aiohttp under httpx: what failed before a request was sent, and what after it."""

import asyncio
import gzip
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.http.kommo_transport import AiohttpTransport

TIMEOUT = httpx.Timeout(0.3, pool=None)


@asynccontextmanager
async def answering(content):
    """Serve: read a request's head, write bytes, close; None never answers."""
    seen = []
    is_over = asyncio.Event()

    async def handle(reader, writer):
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        if content is None:
            await is_over.wait()
        else:
            writer.write(content)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        is_over.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", httpx.RemoteProtocolError, id="closed-without-an-answer"),
        pytest.param(b"nonsense\r\n\r\n", httpx.RemoteProtocolError, id="no-http"),
        pytest.param(None, httpx.ReadTimeout, id="no-answer-in-time"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            httpx.ReadError,
            id="half-an-answer",
        ),
    ],
)
async def test_what_fails_after_a_request_was_sent_is_told_as_such(content, error):
    """The caller must not think that nothing was carried out."""
    async with (
        answering(content) as (url, seen),
        httpx.AsyncClient(transport=AiohttpTransport(1), timeout=TIMEOUT) as http,
    ):
        with pytest.raises(error):
            await http.post(url, content=b"{}")
        assert seen


@pytest.mark.parametrize(
    ("url", "error"),
    [
        pytest.param("http://127.0.0.1:9/", httpx.ConnectError, id="nobody-listens"),
        pytest.param("http://name.invalid/", httpx.ConnectError, id="no-such-name"),
        pytest.param("ftp://127.0.0.1/", httpx.UnsupportedProtocol, id="no-http-address"),
    ],
)
async def test_what_fails_before_is_told_as_such(url, error):
    """Nothing was sent, and the caller knows it."""
    async with httpx.AsyncClient(transport=AiohttpTransport(1), timeout=TIMEOUT) as http:
        with pytest.raises(error):
            await http.post(url, content=b"{}")


async def test_an_answer_is_httpx_s_own(tmp_path):
    """Status, headers and a compressed body come as from httpx's own transport."""
    body = gzip.compress("Привет".encode())
    head = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Encoding: gzip\r\n"
    content = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    async with (
        answering(content) as (url, seen),
        httpx.AsyncClient(transport=AiohttpTransport(1), timeout=TIMEOUT) as http,
    ):
        answer = await http.post(f"{url}/a%2Fb?c=%20d", content=b"", headers={"X-Own": "1"})
    assert (answer.status_code, answer.headers["Retry-After"], answer.text) == (429, "7", "Привет")
    assert seen[0].startswith(b"POST /a%2Fb?c=%20d HTTP/1.1\r\n")
    assert b"x-own: 1" in seen[0].lower()
