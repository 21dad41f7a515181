"""The servers' own control routes: for this machine, and no other website."""

import aiohttp
import pytest

from sandbox.kommo.model import Channel
from sandbox.kommo.server import KommoServer
from sandbox.telegram.server import TelegramServer

TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"


@pytest.fixture
async def servers():
    """Both servers."""
    async with (
        TelegramServer.start() as telegram,
        KommoServer.start(Channel("channel", "fa4e" * 10, "account")) as kommo,
    ):
        telegram.add_bot(TOKEN)
        yield {"telegram": telegram, "kommo": kommo}


async def status(url, method, headers):
    """Ask; return the status."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=b"{}", headers=headers) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        pytest.param({"Host": "evil.example"}, 421, id="a foreign name"),
        pytest.param({"Host": "127.0.0.1.evil.example"}, 421, id="a name that looks like it"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="a foreign page"),
        pytest.param({"Origin": "null"}, 403, id="a page without an origin"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, 403, id="another port"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="embedded elsewhere"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="embedded on another port"),
        pytest.param({}, None, id="curl"),
        pytest.param({"Sec-Fetch-Site": "none"}, None, id="typed into a browser"),
        pytest.param({"Host": "localhost"}, None, id="by the other name"),
    ],
)
@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("telegram", "POST", "/sandbox/client/starts"),
        ("telegram", "GET", "/sandbox/calls"),
        ("telegram", "POST", "/%73andbox/client/starts"),
        ("telegram", "POST", "/sandbox/faults"),
        ("telegram", "DELETE", "/sandbox/faults"),
        ("kommo", "POST", "/sandbox/contacts"),
        ("kommo", "GET", "/sandbox/conversations"),
    ],
)
async def test_no_other_website_drives_a_server(servers, name, method, path, headers, refused):
    """Whatever is asked; what this machine's programs ask is carried out."""
    given = await status(servers[name].url + path, method, headers)
    assert given == (refused or 200)


async def test_what_was_refused_was_not_done(servers):
    """A refused request leaves no trace."""
    telegram = servers["telegram"]
    headers = {"Origin": "https://evil.example"}
    await status(f"{telegram.url}/sandbox/client/says", "POST", headers)
    assert telegram.chats == {}


async def test_the_apis_take_any_name(servers):
    """A bridge may reach a server by another name: its API is no control route."""
    url = f"{servers['telegram'].url}/bot{TOKEN}/getMe"
    assert await status(url, "POST", {"Host": "telegram.test", "Origin": "https://x"}) == 200
