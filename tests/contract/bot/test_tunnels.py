"""Proxies that are down, slow, refusing or none at all; and Debian's own, which work."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import httpx
import pytest
from aiohttp import web

from bot.deliver.telegram.fetch import Fetcher, FetchError, GuardedResolver, guarded_session
from bot.http.clients import http_client
from bot.http.connector import Connector
from bot.http.routes import Routes, proxy_from
from tests.proxies import http_proxy, socks_proxy

PASSWORD = "s3cret-of-the-proxy"
BEHIND = "http://127.0.0.1:9"
BAD = b"HTTP/1.1 %d Words\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def standing_in(*answers):
    """Serve in a proxy's place: one answer to each thing said; None says nothing at all."""
    heard, is_over = [], asyncio.Event()

    async def handle(reader, writer):
        for answer in answers:
            heard.append(await reader.read(4096))
            if answer is None:
                await is_over.wait()
            else:
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        is_over.set()
        server.close()
        await server.wait_closed()


def through(text):
    """Return routes that lead through one proxy."""
    return Routes({"http": proxy_from(text), "https": proxy_from(text)})


@pytest.mark.parametrize(
    ("scheme", "answers", "words"),
    [
        pytest.param("http", [BAD % 407], "does not accept the name and password (407)", id="407"),
        pytest.param("http", [BAD % 403], "refuses to connect to 127.0.0.1:9 (403)", id="403"),
        pytest.param("http", [BAD % 502], "does not reach 127.0.0.1:9 (502)", id="502"),
        pytest.param("http", [b"SSH-2.0-OpenSSH\r\n"], "answer as an HTTP proxy", id="ssh"),
        pytest.param("http", [b"HTTP/1.1 OK\r\n\r\n"], "answer as an HTTP proxy", id="no-status"),
        pytest.param("http", [BAD % 200 + b"page"], "answer as an HTTP proxy", id="a-page"),
        pytest.param("http", [b"HTTP/1.1 200 " + b"a" * 40_000], "answer as", id="endless"),
        pytest.param("http", [b""], "answer as an HTTP proxy", id="closed"),
        pytest.param("http", [None], "did not answer within 0.2 s", id="silent"),
        pytest.param(
            "socks5", [b"\x05\xff"], "does not accept the name and password", id="method"
        ),
        pytest.param("socks5", [b"\x05\x02", b"\x01\x01"], "does not accept the name", id="login"),
        pytest.param("socks5", [b"\x05\x00", b"\x05\x02\x00\x01"], "(its rules)", id="rules"),
        pytest.param(
            "socks5", [b"\x05\x00", b"\x05\x05\x00\x01"], "connection refused", id="port"
        ),
        pytest.param("socks5", [b"\x05\x00", b"\x05\x09\x00\x01"], "(reply 9)", id="unknown"),
        pytest.param("socks5", [b"\x05\x00", b"\x05\x00\x00\x07"], "as a SOCKS5 proxy", id="kind"),
        pytest.param("socks5", [b"\x05\x09"], "answer as a SOCKS5 proxy does", id="wrong-method"),
        pytest.param("socks5", [BAD % 400], "answer as a SOCKS5 proxy does", id="http"),
        pytest.param("socks5", [b"\x05"], "answer as a SOCKS5 proxy does", id="half"),
        pytest.param("socks5", [None], "did not answer within 0.2 s", id="silent-socks"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_named_and_nothing_was_sent(scheme, answers, words):
    """It is a failure to connect, in words without the password."""
    async with standing_in(*answers) as (port, heard):
        routes = through(f"{scheme}://ann:{PASSWORD}@127.0.0.1:{port}")
        connector = Connector(routes, tunnel_s=0.2)
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.post(BEHIND, data=b"message")
    said = str(caught.value)
    assert words in said
    assert f"the proxy {scheme}://127.0.0.1:{port} " in said
    assert PASSWORD not in said + repr(caught.value.os_error)
    assert not any(b"message" in one or b"POST" in one for one in heard)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_down_is_told_as_a_failure_to_connect(scheme):
    """Httpx's callers know from it that nothing was sent."""
    async with http_client(through(f"{scheme}://127.0.0.1:9"), timeout=5) as http:
        with pytest.raises(httpx.ConnectError, match=r"the proxy .* cannot be reached"):
            await http.get("https://amojo.kommo.com")


async def test_an_answer_in_pieces_is_read_to_its_end():
    """What belongs to the proxy's answer never becomes part of the server's."""

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for piece in (b"HTT", b"P/1.0 200 OK\r\n", b"Via: one\r", b"\n\r\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, http_client(through(f"http://127.0.0.1:{port}"), timeout=5) as http:
        assert (await http.get(BEHIND)).text == "hello"


IPV6 = b"\x04" + bytes(15) + b"\x01" + (9).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("scheme", "answers", "said"),
    [
        pytest.param("http", [BAD % 502], b"CONNECT [::1]:9 HTTP/1.1\r\nHost: [::1]:9", id="http"),
        pytest.param("socks5", [b"\x05\x00", b"\x05\x05\x00\x01"], IPV6, id="socks5"),
    ],
)
async def test_an_address_of_ipv6_is_told_as_one(scheme, answers, said):
    """In brackets, or as sixteen bytes; and the person reads it with its port."""
    async with (
        standing_in(*answers) as (port, heard),
        http_client(through(f"{scheme}://127.0.0.1:{port}"), timeout=5) as http,
    ):
        with pytest.raises(httpx.ConnectError, match=r"does not reach \[::1\]:9"):
            await http.get("http://[::1]:9/")
    assert said in heard[-1]


@pytest.mark.parametrize("piece", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 ", b"HT"])
async def test_half_an_answer_is_waited_for_so_long(piece):
    """The time is that of the whole answer, however much of it came."""
    async with standing_in(piece, None) as (port, _heard):
        connector = Connector(through(f"http://127.0.0.1:{port}"), tunnel_s=0.2)
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError, match=r"did not answer within 0\.2"):
                await session.get(BEHIND)


@pytest.fixture
async def page():
    """Serve a page; yield its port."""

    async def answer(request):
        return web.Response(text=f"{request.host} {request.path_qs}")

    runner = web.AppRunner(web.Application())
    runner.app.router.add_get("/{path:.*}", answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.mark.parametrize(
    "open_proxy",
    [
        pytest.param(http_proxy, id="http"),
        pytest.param(partial(http_proxy, user="ann", password=PASSWORD), id="http-with-login"),
        pytest.param(socks_proxy, id="socks5"),
        pytest.param(partial(socks_proxy, user="ann", password=PASSWORD), id="socks5-with-login"),
        pytest.param(partial(socks_proxy, user="änn", password="пароль:@/"), id="socks5-any-text"),
    ],
)
async def test_debians_proxies_lead_to_the_server(open_proxy, page, tmp_path):
    """Name, path and answer arrive as without a proxy."""
    async with (
        open_proxy(tmp_path) as proxy,
        http_client(through(proxy.url), timeout=5) as http,
    ):
        answer = await http.get(f"http://localhost:{page}/a%2Fb?c=d")
        assert answer.text == f"localhost:{page} /a%2Fb?c=d"
        assert proxy.connections() == 1


@pytest.mark.parametrize("open_proxy", [http_proxy, socks_proxy])
@pytest.mark.parametrize("given", ["", "ann:wrong@"])
async def test_debians_proxies_refuse_who_has_no_password(open_proxy, given, page, tmp_path):
    """The proxy is named as who refuses."""
    words = "does not accept the name and password" if given else "wants a name and a password"
    async with open_proxy(tmp_path, user="ann", password=PASSWORD) as proxy:
        url = proxy.url.replace(f"ann:{PASSWORD}@", given)
        async with http_client(through(url), timeout=5) as http:
            with pytest.raises(httpx.ConnectError, match=f"the proxy .* {words}"):
                await http.get(f"http://localhost:{page}/")


class Names(aiohttp.abc.AbstractResolver):
    """A name server that knows one address, or nothing."""

    def __init__(self, address):
        self.address = address

    async def resolve(self, host, port=0, family=0):
        if self.address is None:
            raise OSError("no name server answers")
        found = {"hostname": host, "host": self.address, "port": port}
        return [{**found, "family": family, "proto": 0, "flags": 0}]

    async def close(self):
        """Nothing to close."""


@pytest.mark.parametrize(
    ("host", "address", "told"),
    [
        pytest.param("shop.example", "93.184.216.34", "93.184.216.34", id="checked-address"),
        pytest.param("drive-b.kommo.com", None, "drive-b.kommo.com", id="name-of-kommos"),
        pytest.param("shop.example", None, None, id="foreign-name-that-is-not-known"),
        pytest.param("shop.example", "10.0.0.1", None, id="private-address"),
        pytest.param("drive-b.kommo.com", "127.0.0.1", None, id="private-under-kommos-name"),
        pytest.param("kommo.com.example", None, None, id="looks-like-kommos"),
    ],
)
async def test_a_proxy_is_told_checked_addresses_only(host, address, told):
    """A link of whoever wrote it reaches nothing inside the proxy's network."""
    async with standing_in(BAD % 403) as (port, heard):
        resolver = GuardedResolver(Names(address), ("amojo.example", 443))
        connector = Connector(
            through(f"http://127.0.0.1:{port}"),
            resolver=resolver,
            handed_over=resolver.handed_over,
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"http://{host}:8080/file")
    asked = [one.split()[1].decode() for one in heard]
    assert asked == ([f"{told}:8080"] if told else [])


async def test_a_private_address_is_forbidden_behind_a_proxy_too(tmp_path):
    """The proxy is not even asked."""
    async with standing_in(BAD % 403) as (port, heard):
        routes = through(f"http://127.0.0.1:{port}")
        async with guarded_session(("127.0.0.1", 1), routes) as session:
            for address in ("http://10.0.0.1/a", "http://localhost:2/a", "http://127.0.0.1:2/a"):
                with pytest.raises(FetchError, match="public"), (tmp_path / "f").open("wb") as out:
                    await Fetcher(session, ("127.0.0.1", 1)).fetch(address, out)
    assert heard == []
