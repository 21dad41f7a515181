"""The whole bridge behind a real proxy: nothing goes past it, and it is named when it fails."""

import hashlib
import json
import logging
from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.e2e.commands import run_command
from tests.e2e.conftest import Bridge
from tests.ports import free_port
from tests.proxies import http_proxy, socks_proxy

ANN, CONVERSATION = 555, "tg:700001:555"
PASSWORD = "s3cret-of-the-proxy"
FILE = b"\x00\xff" * 70_000
SHA256 = hashlib.sha256(FILE).hexdigest()


@pytest.fixture
async def bridge_later(config):
    """A bridge that is not started yet."""
    made = Bridge(config)
    yield made
    await made.stop()


@pytest.fixture
def put(config, kommo):
    """Add to the settings: a proxy, and what opens the REST API."""

    def write(proxy, **more):
        text = config.read_text(encoding="utf-8")
        rest = f'access_token = "{kommo.access_token}"\napi_url = "{kommo.url}"\n'
        rows = "".join(f"{name} = {json.dumps(value)}\n" for name, value in more.items())
        network = f'[network]\nproxy = "{proxy}"\n{rows}'
        config.write_text(text.replace("[kommo]\n", f"[kommo]\n{rest}") + network, "utf-8")

    return write


@pytest.fixture
async def answered(telegram, kommo, eventually):
    """Return a story both ways, with a file each way."""
    kommo.fetch_media = True

    async def tell():
        file_id = telegram.add_file(FILE, "theirs.bin")
        telegram.client_sends({**telegram.media("document", file_id), "caption": "Hi"})
        await eventually(lambda: [one.sha256 for one in kommo.fetched] == [SHA256])
        media = kommo.add_attachment(FILE, "ours.bin")
        for content in ({"text": "Hello"}, {"type": "file", "media": media}):
            sent = await kommo.manager_sends(to=CONVERSATION, **content)
            await eventually(partial(lambda one: kommo.statuses_of(one) == [1], sent))
        document = telegram.sent_to(ANN)[-1].files["document"]
        assert (telegram.texts_to(ANN)[0], document.content) == ("Hello", FILE)

    return tell


@pytest.mark.parametrize(
    "open_proxy",
    [
        pytest.param(partial(http_proxy, user="ann", password=PASSWORD), id="http"),
        pytest.param(partial(socks_proxy, user="ann", password=PASSWORD), id="socks5"),
    ],
)
async def test_everything_goes_through_the_proxy(
    open_proxy, bridge_later, put, answered, telegram, kommo, tmp_path, caplog, config
):
    """Texts, files and the REST API: both servers are met by the proxy's connections alone."""
    caplog.set_level(logging.DEBUG)
    async with open_proxy(tmp_path) as proxy:
        put(proxy.url)
        await bridge_later.start()
        await answered()
        code, _said, errors = await run_command("sources", "list", config=config)
        assert (code, errors) == (0, "")
        code, said, _errors = await run_command("check", "--json", config=config)
        network = next(row["text"] for row in json.loads(said) if row["name"] == "network")
        assert network.count("through the proxy") == 3
        shown = (await run_command("config", "show", config=config))[1]
        await bridge_later.stop()
        asked = proxy.asked()
    for server in (telegram, kommo):
        assert any(str(urlsplit(server.url).port) in one for one in asked)
    assert "is reached through the proxy" in caplog.text
    assert PASSWORD not in caplog.text + said + shown


async def test_a_proxy_that_is_down_is_an_outage_with_its_name(
    bridge_later, put, answered, telegram, kommo, tmp_path, eventually, config, caplog
):
    """Nothing goes past it, `check` names it, and all crosses once it is there."""
    port = free_port()
    put(f"socks5://ann:{PASSWORD}@127.0.0.1:{port}")
    code, said, _errors = await run_command("check", "--json", config=config)
    rows = {row["name"]: row for row in json.loads(said)}
    assert code == 1
    for name in ("bot 700001", "REST access", "clock against Kommo's"):
        assert f"the proxy socks5://127.0.0.1:{port} cannot be reached" in rows[name]["text"]
        assert rows[name]["remedy"].startswith("start the proxy")
    await bridge_later.start()
    await eventually(lambda: f"the proxy socks5://127.0.0.1:{port} cannot" in caplog.text)
    assert telegram.calls() == []
    async with socks_proxy(tmp_path, user="ann", password=PASSWORD, port=port):
        await answered()
        await bridge_later.stop()
    assert PASSWORD not in caplog.text + said


async def test_what_is_excepted_is_reached_directly(bridge_later, put, answered):
    """An exception needs no proxy, not even one that works."""
    put(f"http://127.0.0.1:{free_port()}", no_proxy=["127.0.0.0/8"])
    await bridge_later.start()
    await answered()
    await bridge_later.stop()


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        pytest.param("https://a:s3cret@proxy.example.com", "of a kind", id="kind"),
        pytest.param("http://a:s3cret@proxy:port", "not the address of a proxy", id="port"),
    ],
)
async def test_a_wrong_setting_is_said_without_its_password(put, config, proxy, words):
    """One line names the setting and what is expected."""
    put(proxy)
    code, said, errors = await run_command("check", "--offline", config=config)
    assert code == 2
    assert "network.proxy" in errors
    assert words in errors
    assert "s3cret" not in said + errors
