"""TLS through real proxies: name and certificate count, whatever the proxy is told."""

import asyncio
import ssl
from contextlib import asynccontextmanager

import aiohttp
import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError
from aiohttp import web

from bot.deliver.telegram.fetch import Fetcher, FetchError, guarded_session
from bot.http.clients import http_client
from bot.http.connector import Connector
from bot.http.kommo_transport import CERTIFICATE
from bot.http.routes import Routes, proxy_from
from bot.http.telegram_session import TelegramSession
from bot.http.tls import certificates
from tests.certificates import authority, certificate
from tests.proxies import http_proxy, socks_proxy

PROXIES = [pytest.param(http_proxy, id="http"), pytest.param(socks_proxy, id="socks5")]
CALLS = [pytest.param(True, id="kommo"), pytest.param(False, id="telegram")]
TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make the certificates of servers, and the authority that is trusted."""
    folder = tmp_path_factory.mktemp("certificates")
    known, unknown = authority(folder, "known"), authority(folder, "unknown")
    return {
        "known": known,
        "here": certificate(known, "here", host="localhost"),
        "files": certificate(known, "files", host="files.example"),
        "address": certificate(known, "address"),
        "untrusted": certificate(unknown, "untrusted", host="localhost"),
    }


@pytest.fixture(autouse=True)
def trust(made, monkeypatch):
    """Trust the one authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(made["known"]))
    certificates.cache_clear()
    yield
    certificates.cache_clear()


@pytest.fixture
async def serve(made):
    """Start a TLS server with a certificate; return its port and the names it was called by."""
    runners = []

    async def answer(request):
        if request.path.endswith("getMe"):
            me = {"id": 700001, "is_bot": True, "first_name": "Sales", "username": "sales_bot"}
            return web.json_response({"ok": True, "result": me})
        return web.Response(text="hello")

    async def start(name):
        names = []
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made[name], made[name].with_suffix(".key"))
        context.sni_callback = lambda _tls, called, _context: names.append(called)
        runner = web.AppRunner(web.Application())
        runner.app.router.add_route("*", "/{path:.*}", answer)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        runners.append(runner)
        return runner.addresses[0][1], names

    yield start
    for runner in runners:
        await runner.cleanup()


def through(url):
    """Return routes that lead through one proxy."""
    return Routes({"http": proxy_from(url), "https": proxy_from(url)})


@pytest.mark.parametrize("open_proxy", PROXIES)
async def test_kommo_is_called_by_its_name(open_proxy, serve, tmp_path):
    """The connection goes through the proxy, and the server's certificate is the one shown."""
    port, names = await serve("here")
    async with open_proxy(tmp_path) as proxy, http_client(through(proxy.url), timeout=5) as http:
        answer = await http.get(f"https://localhost:{port}/")
        assert (answer.text, names, proxy.connections()) == ("hello", ["localhost"], 1)
    assert answer.extensions[CERTIFICATE]["subjectAltName"] == (("DNS", "localhost"),)


@pytest.mark.parametrize("open_proxy", PROXIES)
async def test_telegram_is_called_by_its_name(open_proxy, serve, tmp_path):
    """Nothing of the token is outside of TLS."""
    port, names = await serve("here")
    async with open_proxy(tmp_path) as proxy:
        session = TelegramSession(f"https://localhost:{port}", through(proxy.url))
        async with Bot(TOKEN, session=session).context() as bot:
            assert (await bot.get_me()).username == "sales_bot"
        assert (names, proxy.connections()) == (["localhost"], 1)
        assert "FAKE-TOKEN" not in proxy.log.read_text(errors="replace")


@pytest.mark.parametrize("open_proxy", PROXIES)
@pytest.mark.parametrize("name", ["files", "untrusted"])
async def test_who_cannot_be_trusted_hears_nothing(open_proxy, name, serve, tmp_path):
    """Another's certificate, or an unknown authority's, ends the connection, also in a tunnel."""
    port, _names = await serve(name)
    async with open_proxy(tmp_path) as proxy:
        url, routes = f"https://localhost:{port}", through(proxy.url)
        async with http_client(routes, timeout=5) as http:
            with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
                await http.get(url)
        async with Bot(TOKEN, session=TelegramSession(url, routes)).context() as bot:
            with pytest.raises(TelegramNetworkError, match="Certificate"):
                await bot.get_me()
        assert proxy.connections() == 2


@asynccontextmanager
async def told(proxy, *addresses):
    """Open a session whose proxy is told checked addresses in the place of names."""

    async def handed_over(_host, _port):
        return addresses

    connector = Connector(through(proxy.url), handed_over=handed_over)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.mark.parametrize("open_proxy", PROXIES)
async def test_a_checked_address_still_has_to_show_its_name(open_proxy, serve, tmp_path):
    """The proxy hears an address; the server is called by its name, and has to have it."""
    port, names = await serve("files")
    async with open_proxy(tmp_path) as proxy, told(proxy, "127.0.0.1") as session:
        async with session.get(f"https://files.example:{port}/") as answer:
            assert await answer.text() == "hello"
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"https://another.example:{port}/")
        asked = proxy.asked()
    assert names == ["files.example", "another.example"]
    assert len(asked) == 2
    assert all("127.0.0.1" in one for one in asked)


@pytest.mark.parametrize("open_proxy", PROXIES)
async def test_the_next_address_is_tried(open_proxy, serve, tmp_path):
    """As without a proxy: one of a name's addresses may be out of reach."""
    port, _names = await serve("files")
    async with (
        open_proxy(tmp_path) as proxy,
        told(proxy, "127.0.0.9", "127.0.0.1") as session,
        session.get(f"https://files.example:{port}/") as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize("open_proxy", PROXIES)
@pytest.mark.parametrize("name", ["here", "untrusted"])
async def test_files_trust_whom_the_apis_trust(open_proxy, name, serve, tmp_path):
    """One set of authorities for all connections, also where it is named to the environment."""
    port, _names = await serve(name)
    trusted = ("localhost", port)
    async with (
        open_proxy(tmp_path) as proxy,
        guarded_session(trusted, through(proxy.url)) as session,
    ):
        with (tmp_path / "file").open("wb") as file:
            fetching = Fetcher(session, trusted).fetch(f"https://localhost:{port}/file", file)
            if name == "here":
                assert await fetching == len("hello")
            else:
                with pytest.raises(FetchError, match="Certificate"):
                    await fetching
        assert proxy.connections() == 1


async def test_an_address_needs_no_name(serve, tmp_path):
    """A certificate may be for an address."""
    port, names = await serve("address")
    async with (
        http_proxy(tmp_path) as proxy,
        http_client(through(proxy.url), timeout=5) as http,
    ):
        assert (await http.get(f"https://127.0.0.1:{port}/")).text == "hello"
    assert names == [None]


@pytest.mark.parametrize("is_kommo", CALLS)
@pytest.mark.parametrize(
    "behind",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="plain"),
        pytest.param(None, id="closed"),
    ],
)
async def test_a_tunnel_that_leads_nowhere_is_no_connection(behind, is_kommo):
    """What is behind it says nothing, speaks no TLS, or is gone: an error in time, no hanging."""
    asked, is_over = [], asyncio.Event()

    async def handle(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).split()[1])
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read(4096)
        if behind is not None:
            writer.write(behind)
            await is_over.wait()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    routes = through(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        async with asyncio.timeout(5):
            if is_kommo:
                async with http_client(routes, timeout=0.5) as http:
                    with pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
                        await http.get("https://localhost/")
            else:
                session = TelegramSession("https://localhost", routes)
                async with Bot(TOKEN, session=session).context() as bot:
                    with pytest.raises(TelegramNetworkError):
                        await bot.get_me(request_timeout=1)
    finally:
        is_over.set()
        server.close()
        await server.wait_closed()
    assert asked == [b"localhost:443"]
