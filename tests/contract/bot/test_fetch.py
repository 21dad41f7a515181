"""Files are fetched from the open internet and from Kommo, and from nowhere else."""

import asyncio
import gzip
import io
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from bot.deliver.telegram.fetch import (
    Fetcher,
    FetchError,
    GuardedResolver,
    Promised,
    guarded_session,
    host_and_port,
    is_public,
)
from bot.translate.outgoing import refusals

LIMIT = 200_000


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("93.184.216.34", True, id="public"),
        pytest.param("2606:2800:220:1::1", True, id="public-6"),
        pytest.param("127.0.0.1", False, id="loopback"),
        pytest.param("::1", False, id="loopback-6"),
        pytest.param("0.0.0.0", False, id="any"),
        pytest.param("::", False, id="any-6"),
        pytest.param("10.1.2.3", False, id="private-10"),
        pytest.param("172.16.0.1", False, id="private-172"),
        pytest.param("192.168.1.1", False, id="private-192"),
        pytest.param("169.254.169.254", False, id="metadata-of-a-cloud"),
        pytest.param("100.64.0.1", False, id="carrier"),
        pytest.param("224.0.0.1", False, id="multicast"),
        pytest.param("ff0e::1", False, id="multicast-6"),
        pytest.param("240.0.0.1", False, id="reserved"),
        pytest.param("255.255.255.255", False, id="broadcast"),
        pytest.param("fe80::1%eth0", False, id="link-local"),
        pytest.param("fd00::1", False, id="unique-local"),
        pytest.param("::ffff:127.0.0.1", False, id="mapped-loopback"),
        pytest.param("::ffff:93.184.216.34", True, id="mapped-public"),
        pytest.param("2002:7f00:1::", False, id="6to4-loopback"),
        pytest.param("64:ff9b:1::7f00:1", False, id="local-translation"),
        pytest.param("fec0::1", False, id="site-local"),
        pytest.param("::7f00:1", False, id="ipv4-compatible"),
        pytest.param("192.88.99.1", False, id="6to4-relay"),
        pytest.param("64:ff9b::a9fe:a9fe", False, id="nat64-metadata"),
        pytest.param("64:ff9b::5db8:d822", True, id="nat64-public"),
        pytest.param("2001:0:1:1:1:1:80ff:fefe", False, id="teredo-loopback"),
        pytest.param("2130706433", False, id="number"),
        pytest.param("shop.example", False, id="name"),
    ],
)
def test_public_addresses(address, expected):
    """An address is public only if what it stands for is."""
    assert is_public(address) is expected


class Names(AbstractResolver):
    """A name server that answers what a test says."""

    def __init__(self, *addresses):
        self.addresses = addresses
        self.is_closed = False

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": family,
                "proto": 0,
                "flags": 0,
            }
            for address in self.addresses
        ]

    async def close(self):
        self.is_closed = True


async def test_a_name_that_means_a_private_machine_is_refused():
    """What a name means is checked when it is connected to, answer by answer."""
    names = Names("93.184.216.34", "127.0.0.1", "10.0.0.1")
    resolver = GuardedResolver(names, ("amojo.example", 443))
    assert [r["host"] for r in await resolver.resolve("shop.example", 443)] == ["93.184.216.34"]
    names.addresses = ("127.0.0.1",)
    with pytest.raises(OSError, match="no public IP address"):
        await resolver.resolve("shop.example", 443)
    with pytest.raises(OSError, match="no public IP address"):
        await resolver.resolve("amojo.example", 8443)
    assert [r["host"] for r in await resolver.resolve("amojo.example", 443)] == ["127.0.0.1"]
    await resolver.close()
    assert names.is_closed


@asynccontextmanager
async def serving(routes):
    """Serve on a free port of this machine; yields the address."""
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def give(request):
    """Answer as many bytes as the address says, without saying so beforehand."""
    response = web.StreamResponse()
    await response.prepare(request)
    left = int(request.query["bytes"])
    while left > 0:
        await response.write(b"x" * min(left, 50_000))
        left -= 50_000
    return response


async def lead(request):
    """Lead to another address."""
    status_code = int(request.query.get("status", 302))
    return web.Response(status=status_code, headers={"Location": request.query["to"]})


async def lead_nowhere(_request):
    """Say that it is elsewhere, but not where."""
    return web.Response(status=302)


async def circle(_request):
    """Lead to itself."""
    return web.Response(status=301, headers={"Location": "/circle"})


async def announce(request):
    """Say beforehand how much would come."""
    return web.Response(body=b"x" * int(request.query["bytes"]))


async def cut(request):
    """Promise more than comes."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"x" * 10)
    request.transport.abort()
    return response


def packed(content):
    """Answer what says that it is packed with gzip."""

    async def answer(_request):
        return web.Response(body=content, headers={"Content-Encoding": "gzip"})

    return answer


async def page(_request):
    """Answer a maintenance page."""
    return web.Response(text="<!doctype html><title>Back soon</title>", content_type="text/html")


ROUTES = [
    web.get("/packed", packed(gzip.compress(b"a file"))),
    web.get("/bomb", packed(gzip.compress(b"x" * 20_000_000))),
    web.get("/not-packed", packed(b"a file")),
    web.get("/page", page),
    web.get("/give", give),
    web.get("/lead", lead),
    web.get("/nowhere", lead_nowhere),
    web.get("/circle", circle),
    web.get("/announce", announce),
    web.get("/cut", cut),
]


@pytest.fixture
async def kommo():
    """The place that is trusted."""
    async with serving(ROUTES) as address:
        yield address


@pytest.fixture
async def other():
    """Another server of this machine, which nothing may be fetched from."""
    async with serving(ROUTES) as address:
        yield address


@pytest.fixture
async def fetch(kommo):
    """Fetch an address; returns the bytes."""
    async with guarded_session(host_and_port(kommo)) as session:
        fetcher = Fetcher(session, host_and_port(kommo), limit_bytes=LIMIT)

        async def act(address):
            target = io.BytesIO()
            size = await fetcher.fetch(address, target)
            assert len(target.getvalue()) == size
            return target.getvalue()

        yield act


async def test_a_file_is_fetched(fetch, kommo):
    """All bytes come, and so they do behind redirects that stay where they may."""
    assert await fetch(f"{kommo}/give?bytes=120000") == b"x" * 120_000
    assert await fetch(f"{kommo}/give?bytes={LIMIT}") == b"x" * LIMIT
    assert await fetch(f"{kommo}/lead?status=307&to=/give%3Fbytes=5") == b"xxxxx"


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        pytest.param("/give?bytes=200001", refusals.FILE_TOO_BIG, id="too-big"),
        pytest.param("/announce?bytes=200001", refusals.FILE_TOO_BIG, id="announced-too-big"),
        pytest.param("/give?bytes=0", refusals.FILE_EMPTY, id="empty"),
        pytest.param("/missing", refusals.FILE_GONE, id="missing"),
        pytest.param("/nowhere", refusals.FILE_GONE, id="redirect-without-address"),
        pytest.param("/lead?to=/lead%3Fto=x", refusals.FILE_GONE, id="leads-to-nothing"),
        pytest.param("/give?bytes=many", refusals.FILE_UNREACHABLE, id="server-fails"),
        pytest.param("/announce?bytes=many", refusals.FILE_UNREACHABLE, id="server-says-500"),
        pytest.param("/cut", refusals.FILE_UNREACHABLE, id="cut-short"),
        pytest.param("/bomb", refusals.FILE_TOO_BIG, id="bomb"),
        pytest.param("/not-packed", refusals.FILE_UNREACHABLE, id="not-packed-as-it-says"),
        pytest.param("/lead?to=file:///etc/passwd", refusals.FILE_FORBIDDEN, id="to-a-file"),
        pytest.param("/lead?to=http://10.0.0.1/x", refusals.FILE_FORBIDDEN, id="to-a-private-one"),
        pytest.param("/lead?to=http://localhost:1/x", refusals.FILE_FORBIDDEN, id="to-localhost"),
        pytest.param("/lead?to=http://[x/", refusals.FILE_FORBIDDEN, id="to-nonsense"),
    ],
)
async def test_what_goes_wrong_has_its_verdict(fetch, kommo, path, verdict):
    """Each failure says whether to try again and what the manager reads."""
    with pytest.raises(FetchError) as caught:
        await fetch(kommo + path)
    assert caught.value.verdict == verdict


async def test_what_is_packed_is_unpacked(fetch, kommo):
    """A server that packs a file unasked gives the file all the same."""
    assert await fetch(f"{kommo}/packed") == b"a file"


@pytest.mark.parametrize(
    ("promised", "is_refused"),
    [
        pytest.param(Promised("photo.jpg", is_document=False), True, id="picture"),
        pytest.param(Promised("offer.pdf"), True, id="document"),
        pytest.param(Promised("page.html"), False, id="page"),
    ],
)
async def test_a_page_is_not_the_file_that_was_promised(kommo, promised, is_refused):
    """A page with a 200 is trouble of the server, which passes; a file that is a page is fine."""
    async with guarded_session(host_and_port(kommo)) as session:
        fetched = Fetcher(session, host_and_port(kommo)).fetch(
            f"{kommo}/page", io.BytesIO(), promised
        )
        if not is_refused:
            assert await fetched == 39
            return
        with pytest.raises(FetchError) as caught:
            await fetched
    assert caught.value.verdict == refusals.FILE_UNREACHABLE


async def test_a_server_that_drips_is_given_up():
    """A file that comes byte by byte ends with the time for it."""

    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.01)

    timeout = aiohttp.ClientTimeout(total=0.2, sock_read=5)
    async with (
        serving([web.get("/a.pdf", drip)]) as address,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        with pytest.raises(FetchError) as caught:
            await Fetcher(session, host_and_port(address)).fetch(f"{address}/a.pdf", io.BytesIO())
    assert caught.value.verdict == refusals.FILE_UNREACHABLE


async def test_another_port_of_the_same_host_is_refused(fetch, kommo, other):
    """The place that is trusted is a host and a port, also behind a redirect."""
    for address in (f"{other}/give?bytes=5", f"{kommo}/lead?to={other}/give%3Fbytes=5"):
        with pytest.raises(FetchError) as caught:
            await fetch(address)
        assert caught.value.verdict == refusals.FILE_FORBIDDEN


async def test_a_circle_of_redirects_ends(fetch, kommo):
    """An address that leads to itself is given up."""
    with pytest.raises(FetchError, match="too many redirects") as caught:
        await fetch(f"{kommo}/circle")
    assert caught.value.verdict == refusals.FILE_GONE


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("", id="empty"),
        pytest.param("//", id="slashes"),
        pytest.param("plan.png", id="name"),
        pytest.param("ftp://files.example/a", id="ftp"),
        pytest.param("data:text/plain,x", id="data"),
        pytest.param("http://", id="no-host"),
        pytest.param("http://[", id="bracket"),
        pytest.param("http://user:password@files.example/a", id="password"),
        pytest.param("http://2130706433/a", id="loopback-as-a-number"),
        pytest.param("http://127.1/a", id="loopback-in-short"),
        pytest.param("http://[::1]/a", id="loopback-6"),
        pytest.param("http://[::ffff:7f00:1]/a", id="loopback-mapped"),
        pytest.param("http://0x7f.1/a", id="loopback-in-hexadecimal"),
        pytest.param("http://localhost/a", id="localhost"),
        pytest.param("http://a..b/", id="dots"),
        pytest.param(f"http://{'a' * 300}/", id="endless-name"),
        pytest.param("http://xn--/", id="broken-name"),
        pytest.param("http://\ud800.com/", id="half-a-character"),
        pytest.param("http://files.example:99999/", id="no-port"),
    ],
)
async def test_hostile_addresses_are_refused(fetch, address):
    """However an address is written, it leads to no private machine."""
    with pytest.raises(FetchError) as caught:
        await fetch(address)
    assert caught.value.verdict == refusals.FILE_FORBIDDEN


async def test_a_full_disk_is_tried_again(kommo):
    """A file that finds no room now may find it later."""

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    async with guarded_session(host_and_port(kommo)) as session:
        with pytest.raises(FetchError) as caught:
            await Fetcher(session, host_and_port(kommo)).fetch(f"{kommo}/give?bytes=5", Full())
    assert caught.value.verdict == refusals.FILE_UNREACHABLE


async def test_a_server_that_is_down_is_tried_again(kommo):
    """A file comes when its server is back."""
    async with guarded_session(("127.0.0.1", 1)) as session:
        fetcher = Fetcher(session, ("127.0.0.1", 1))
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch("http://127.0.0.1:1/a", io.BytesIO())
    assert caught.value.verdict == refusals.FILE_UNREACHABLE
    assert isinstance(caught.value.__cause__, aiohttp.ClientConnectorError)


async def test_a_server_that_says_nothing_is_tried_again():
    """A file whose server is silent comes later, and is given up with 903 in the end."""

    async def be_silent(_request):
        await asyncio.Event().wait()

    timeout = aiohttp.ClientTimeout(total=0.1)
    async with (
        serving([web.get("/a.pdf", be_silent)]) as address,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        fetcher = Fetcher(session, host_and_port(address))
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(f"{address}/a.pdf", io.BytesIO())
    assert (caught.value.verdict.code, caught.value.verdict.retry) == (903, True)
