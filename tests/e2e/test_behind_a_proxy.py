"""The whole bridge behind a real proxy: nothing goes past it, and it is named when it fails."""

import hashlib
import io
import json
import logging
import os
import sys
from datetime import UTC, datetime
from functools import partial
from secrets import token_bytes
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from bot.account.consent import consent_url
from sandbox.kommo.oauth import Integration
from tests.e2e.commands import run_command
from tests.e2e.conftest import TOKEN, Bridge
from tests.ports import free_port
from tests.proxies import OUTWARD, http_proxy, socks_proxy

ANN, CONVERSATION = 555, "tg:700001:555"
PASSWORD = "s3cret-of-the-proxy"
SHOWING = (("config", "show"), ("check",), ("check", "--json"), ("healthcheck",))
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
        assert server.callers == {OUTWARD}, "something went past the proxy"
    assert "is reached through the proxy" in caplog.text
    assert PASSWORD not in caplog.text + said + shown


async def test_access_by_consent_goes_through_the_proxy(
    bridge_later, config, kommo, ports, tmp_path, caplog
):
    """Kommo's tokens are fetched the way that the settings say; a browser needs none of it."""
    caplog.set_level(logging.DEBUG)
    redirect_uri = f"http://127.0.0.1:{ports[0]}/oauth/kommo"
    kommo.authority.integration = Integration("fake-client", "fake-client-secret", redirect_uri)
    async with socks_proxy(tmp_path, user="ann", password=PASSWORD) as proxy:
        text = config.read_text(encoding="utf-8")
        text = text.replace("[kommo]", f'[kommo]\napi_url = "{kommo.url}"')
        config.write_text(
            f'{text}[kommo.oauth]\nclient_id = "fake-client"\n'
            f'client_secret = "fake-client-secret"\nredirect_uri = "{redirect_uri}"\n'
            f'[network]\nproxy = "{proxy.url}"\n',
            encoding="utf-8",
        )
        await bridge_later.start()
        kommo.callers.clear()
        settings = bridge_later.settings
        link = consent_url(
            settings.kommo, settings.kommo.oauth, now=datetime.now(UTC), random=token_bytes
        )
        back = kommo.authority.consent(dict(parse_qsl(urlsplit(link).query)))
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = await browser.get(back)
        code, said, errors = await run_command("sources", "list", config=config)
        await bridge_later.stop()
    assert (page.status_code, code, errors) == (200, 0, ""), page.text
    assert kommo.callers == {OUTWARD}
    assert PASSWORD not in caplog.text + page.text + said


@pytest.fixture
def wizard(monkeypatch, telegram, kommo, tmp_path):
    """Run `init` with answers, on a file of its own."""
    monkeypatch.setenv("KOMMO_TELEGRAM__TELEGRAM__API_URL", telegram.url)
    monkeypatch.setenv("KOMMO_TELEGRAM__KOMMO__API_URL", kommo.url)
    file = tmp_path / "new.toml"

    async def run(*answers):
        lines = "".join(f"{line}\n" for line in answers)
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        return file, await run_command("init", config=file)

    return run


async def test_init_goes_through_the_proxy(wizard, telegram, kommo, tmp_path, monkeypatch):
    """The first time the variables name it, the second time the settings."""
    answers = (TOKEN, "https://bridge.example.com", "example", kommo.access_token, "", "")
    async with http_proxy(tmp_path, user="ann", password=PASSWORD) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        file, (code, said, errors) = await wizard(*answers)
        assert code == 0, errors
        monkeypatch.delenv("HTTP_PROXY")
        with file.open("a", encoding="utf-8") as settings:
            settings.write(f'\n[network]\nproxy = "{proxy.url}"\n')
        _file, (code, again, errors_again) = await wizard("", "", "", "", "", "")
        assert code == 0, errors_again
    assert telegram.callers == kommo.callers == {OUTWARD}
    assert PASSWORD not in said + errors + again + errors_again


@pytest.mark.parametrize("place", ["variable", "settings"])
async def test_init_names_a_proxy_that_is_down(wizard, telegram, place, tmp_path, monkeypatch):
    """Not the network, not the token: the proxy, and what to do."""
    url = f"socks5://ann:{PASSWORD}@127.0.0.1:{free_port()}"
    if place == "variable":
        monkeypatch.setenv("ALL_PROXY", url)
    else:
        (tmp_path / "new.toml").write_text(f'[network]\nproxy = "{url}"\n')
    _file, (code, said, errors) = await wizard(TOKEN)
    assert code == 1
    assert f"the proxy {url.replace(f'ann:{PASSWORD}@', '')} cannot be reached" in errors
    assert "start the proxy" in errors
    assert PASSWORD not in said + errors
    assert telegram.callers == set()


@pytest.mark.parametrize("origin", ["credential", "variable"])
async def test_the_proxy_may_come_from_outside_of_the_file(
    origin, bridge_later, config, command, telegram, kommo, tmp_path, monkeypatch, caplog, ports
):
    """A credential of systemd's, or the setting's own variable: shown without its password."""
    caplog.set_level(logging.DEBUG)
    async with socks_proxy(tmp_path, user="ann", password=PASSWORD) as proxy:
        if origin == "credential":
            credentials = tmp_path / "credentials"
            credentials.mkdir()
            (credentials / "network.proxy").write_text(f"{proxy.url}\n")
            monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
        else:
            monkeypatch.setenv("KOMMO_TELEGRAM__NETWORK__PROXY", proxy.url)
        bridge_later.environ = os.environ
        await bridge_later.start()
        async with httpx.AsyncClient(trust_env=False) as http:
            pages = [
                (await http.get(f"http://127.0.0.1:{ports[1]}{path}")).text
                for path in ("/healthz", "/", "/metrics")
            ]
        told = [await command(*words) for words in SHOWING]
        await bridge_later.stop()
    assert telegram.callers == kommo.callers == {OUTWARD}
    assert [code for code, _said, _errors in told] == [0] * len(SHOWING), told
    assert "network.proxy" in told[0][1]
    assert PASSWORD not in "".join(
        [caplog.text, *pages, *(text for one in told for text in one[1:])]
    )


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
