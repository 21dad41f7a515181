"""A signed link is good in one spelling: what is asked for is what was written."""

import asyncio
import io

import pytest

from bot.deliver.telegram.fetch import Fetcher, guarded_session, host_and_port
from bot.deliver.telegram.urls import web_address

SIGNED = "/R%26D%20offer%20%28v2%29.pdf?X-Goog-Credential=a%40b%2F2026&X-Goog-Signature=%2b%2B+/="


class FileServer:
    """A server that shows the raw targets of its requests, and leads on where it is told to."""

    def __init__(self):
        self.url = ""
        self.asked = []
        self.leads = {}

    async def handle(self, reader, writer):
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            target = line.split(b" ")[1].decode("latin-1")
            self.asked.append(target)
            writer.write(self.answer(target))
            await writer.drain()
        writer.close()

    def answer(self, target):
        location = self.leads.get(target)
        if location is None:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
        head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        return head.encode("utf-8", "surrogateescape")


@pytest.fixture
async def place():
    """A place that is trusted."""
    made = FileServer()
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()


@pytest.fixture
async def fetch(place):
    """Fetch an address."""
    async with guarded_session(host_and_port(place.url)) as session:
        fetcher = Fetcher(session, host_and_port(place.url))

        async def act(address):
            return await fetcher.fetch(address, io.BytesIO())

        yield act


TARGETS = [
    pytest.param(SIGNED, SIGNED, id="signed"),
    pytest.param("/a%2Fb%2fc", "/a%2Fb%2fc", id="slashes-in-percent"),
    pytest.param("/%7Euser/%41%2D%2E%5f", "/%7Euser/%41%2D%2E%5f", id="needless-percent"),
    pytest.param("/a+b?c=d+e%2Bf", "/a+b?c=d+e%2Bf", id="plus"),
    pytest.param("/?q=%C3%A9&q=%E9", "/?q=%C3%A9&q=%E9", id="any-encoding"),
    pytest.param("/a;b=c,d:e@f!$'()*", "/a;b=c,d:e@f!$'()*", id="reserved"),
    pytest.param('/{a}|^`<>"\\', '/{a}|^`<>"\\', id="unwise"),
    pytest.param("/a/../b/./c//d", "/a/../b/./c//d", id="dots"),
    pytest.param("/100%", "/100%", id="lone-percent"),
    pytest.param("/a?", "/a?", id="empty-query"),
    pytest.param("/a??b=c?d", "/a??b=c?d", id="question-marks"),
    pytest.param("/a?b=c#d", "/a?b=c", id="fragment"),
    pytest.param("?a=b", "/?a=b", id="query-alone"),
    pytest.param("", "/", id="nothing"),
    pytest.param("/price list é.pdf", "/price%20list%20%C3%A9.pdf", id="spaces-and-letters"),
    pytest.param("/a?b=c&amp;d=e&empty=&&", "/a?b=c&amp;d=e&empty=&&", id="odd-query"),
    pytest.param("/a\r\nX-Evil: 1", "/a%0D%0AX-Evil:%201", id="no-header-is-made"),
]


@pytest.mark.parametrize(("written", "asked"), TARGETS)
async def test_an_address_is_used_as_it_is_written(fetch, place, written, asked):
    """Only what no request line can hold is written otherwise."""
    await fetch(place.url + written)
    assert place.asked == [asked]


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        pytest.param("{url}" + SIGNED, SIGNED, id="whole"),
        pytest.param("//{host}" + SIGNED, SIGNED, id="without-scheme"),
        pytest.param(SIGNED, SIGNED, id="from-the-root"),
        pytest.param("R%26D.pdf?a%40b", "/files/R%26D.pdf?a%40b", id="from-here"),
        pytest.param("../R%26D.pdf?a%40b", "/R%26D.pdf?a%40b", id="from-above"),
        pytest.param("?a%40b", "/files/a%2Fb?a%40b", id="query"),
        pytest.param("HTTP://{host}/%41", "/%41", id="capitals"),
        pytest.param("/é%26", "/%C3%A9%26", id="letters"),
        pytest.param("/\udce9%26", "/%E9%26", id="bytes"),
        pytest.param("/a%26#part", "/a%26", id="fragment"),
    ],
)
async def test_so_is_an_address_that_another_leads_to(fetch, place, location, asked):
    """A redirect's address is used as it is written, wherever it is told from."""
    host = place.url.partition("://")[2]
    place.leads["/files/a%2Fb?x"] = location.replace("{url}", place.url).replace("{host}", host)
    await fetch(f"{place.url}/files/a%2Fb?x")
    assert place.asked == ["/files/a%2Fb?x", asked]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("http://good.example\\@evil.example/", id="backslash"),
        pytest.param("http://a@b.example/", id="user"),
        pytest.param("http://a:b@c.example/", id="password"),
        pytest.param("http:/good.example/", id="one-slash"),
        pytest.param("http:good.example", id="no-slash"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("http://?x", id="no-host"),
        pytest.param("http://#x", id="fragment-alone"),
        pytest.param("http:///x", id="three-slashes"),
        pytest.param("http://good.example:x/", id="port"),
    ],
)
def test_what_is_no_web_address_is_refused(text):
    """One reading only: whom to ask is never guessed."""
    with pytest.raises(ValueError):  # noqa: PT011 - yarl has words of its own
        web_address(text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        pytest.param("https://files.example/a@b:81/c", "files.example", 443, id="marks-behind"),
        pytest.param("https://files.example?@evil.example", "files.example", 443, id="query"),
        pytest.param("https://files.example#@evil.example", "files.example", 443, id="fragment"),
        pytest.param("http://FILES.example:8080/", "files.example", 8080, id="capitals"),
        pytest.param("http://bücher.example/", "xn--bcher-kva.example", 80, id="letters"),
        pytest.param("http://[2606:2800:220:1::1]/", "2606:2800:220:1::1", 80, id="ip-6"),
    ],
)
def test_who_is_checked_is_who_is_asked(text, host, port):
    """The address that is connected to has the host that was checked."""
    address = web_address(text)
    assert (address.url.raw_host, address.url.port) == (host, port)
    assert (address.origin.raw_host, address.origin.port) == (host, port)
