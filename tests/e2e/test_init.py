"""The wizard and `check`, against the sandbox's real servers."""

import io
import re
import sys
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.operate.consent import end_of
from bot.settings import load
from tests.e2e.commands import run_command
from tests.e2e.conftest import ACCOUNT_ID, CHANNEL_ID, SECRET, TOKEN, Bridge


@pytest.fixture
def answers(monkeypatch):
    """Type answers on standard input."""

    def type_in(*lines):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return type_in


@pytest.fixture(autouse=True)
def servers(monkeypatch, telegram, kommo):
    """Where the wizard finds the sandbox."""
    monkeypatch.setenv("KOMMO_TELEGRAM__TELEGRAM__API_URL", telegram.url)
    monkeypatch.setenv("KOMMO_TELEGRAM__KOMMO__API_URL", kommo.url)


async def test_a_new_user_gets_settings_that_load(answers, tmp_path, kommo):
    """Wrong tokens are said at once and asked again; what is written is private and valid."""
    file = tmp_path / "new.toml"
    answers(
        "700001:WRONG-TOKEN-0000000000000000000", "not a token", TOKEN,
        "bridge.example.com", "https://bridge.example.com/?x=1", "https://bridge.example.com/",
        "example.amocrm.ru", "example", "wrong", "https://example.kommo.com/", kommo.access_token,
        CHANNEL_ID, SECRET,
    )  # fmt: skip
    code, said, errors = await run_command("init", config=file)
    assert code == 0, errors
    assert file.stat().st_mode & 0o777 == 0o600
    settings = load(file, {})
    assert settings.kommo.account_id == ACCOUNT_ID
    assert settings.public_url == "https://bridge.example.com"
    assert errors.count("does not") == 2
    assert "https://" in errors
    assert "holds more than host, port and path" in errors
    assert "scope_id" in said
    assert "Please register" not in said


async def test_without_a_channel_the_request_is_printed(answers, tmp_path, kommo):
    """Who has no channel yet gets the filled-in request for Kommo support."""
    file = tmp_path / "new.toml"
    answers(TOKEN, "https://bridge.example.com", "example", kommo.access_token, "", "")
    code, said, _errors = await run_command("init", config=file)
    assert code == 0
    assert "Webhook URL: https://bridge.example.com/webhooks/kommo/:scope_id" in said
    assert "Account id: 33000001" in said
    assert "Write First: yes" in said
    assert "👍" in said
    lines = file.read_text().splitlines()
    for key in ("channel_id", "channel_secret", "channel_code", "channel_bot_id", "source"):
        assert any(line.startswith(f"# {key} = ") for line in lines)


async def test_answers_of_other_servers_are_asked_again(answers, tmp_path, telegram, kommo):
    """Whatever sits at an address: the wizard says that it is not what it asked for."""
    file = tmp_path / "new.toml"
    telegram.faults.fail("getMe", status=200, body={"ok": True})
    telegram.faults.fail("getMe", status=200, body="<html>")
    kommo.faults.fail("/api/v4/account", status=200, body={"amojo_id": ACCOUNT_ID})
    answers(
        TOKEN, TOKEN, TOKEN, "https://bridge.example.com",
        "example", kommo.access_token, "example", kommo.access_token, "", "",
    )  # fmt: skip
    code, _said, errors = await run_command("init", config=file)
    assert code == 0, errors
    assert errors.count("an unexpected answer") == 2
    assert "is this the account?" in errors


async def test_access_in_the_browser_needs_a_link_that_a_running_bridge_knows(
    answers, tmp_path, kommo
):
    """Without a token, `init` takes the integration's keys and prints the link to the consent."""
    file = tmp_path / "new.toml"
    answers(TOKEN, "https://bridge.example.com", "example", "", "client", "fake secret",
            "fake-secret", CHANNEL_ID, SECRET)  # fmt: skip
    code, said, errors = await run_command("init", config=file)
    assert code == 0, errors
    assert "without spaces" in errors
    oauth = load(file, {}).kommo.oauth
    assert oauth is not None
    assert oauth.redirect_uri == "https://bridge.example.com/oauth/kommo"
    [link] = re.findall(r"https://www\.kommo\.com/oauth\?\S+", said)
    query = parse_qs(urlsplit(link).query)
    assert (query["client_id"], query["mode"]) == (["client"], ["popup"])
    ends_at = end_of(query["state"][0], oauth.client_secret.get_secret_value())
    assert ends_at is not None
    assert ends_at > datetime.now(UTC)
    assert "fake-secret" not in said


async def test_without_a_channel_the_link_waits(answers, tmp_path, kommo):
    """As long as the bridge cannot run, the request names the integration and no link is shown."""
    file = tmp_path / "new.toml"
    answers(TOKEN, "https://bridge.example.com", "example", "", "client", "fake-secret", "", "")
    code, said, errors = await run_command("init", config=file)
    assert code == 0, errors
    assert "Integration id: client" in said
    assert "kommo.com/oauth?" not in said
    assert "`kommo-telegram check` prints the link" in said


async def test_an_existing_file_is_not_lost(answers, config):
    """Without a yes the settings stay as they are."""
    before = config.read_text()
    answers("n")
    code, _said, _errors = await run_command("init", config=config)
    assert (code, config.read_text()) == (1, before)


async def test_check_finds_the_running_bridge_at_its_public_address(bridge, config):
    """The address is answered by this very instance, the clock is right, the service runs."""
    code, said, errors = await run_command("check", config=config)
    assert code == 0, said + errors
    assert "public address: leads here" in said
    assert "clock against Kommo's: right" in said
    assert "service: running" in said


async def test_check_before_the_first_start_warns_and_fails_nothing(config):
    """A readable file and a stopped service have remedies; the address waits for the start."""
    config.chmod(0o644)
    code, said, _errors = await run_command("check", config=config)
    assert code == 0
    assert "chmod 600" in said
    assert "service: it does not run" in said
    assert "public address:" not in said


async def test_check_says_the_services_trouble_once(config):
    """What the channel is refused for stands in one line once, however many parts tell of it."""
    config.write_text(config.read_text().replace(SECRET, "0" * 40))
    bridge = Bridge(config)
    await bridge.start()
    try:
        _code, said, _errors = await run_command("check", config=config)
    finally:
        await bridge.stop()
    [line] = [line for line in said.splitlines() if " service: " in line]
    assert line.count("Kommo answered 403") == 1


async def test_check_fails_when_the_public_address_leads_elsewhere(bridge, config, telegram):
    """While it runs, an address that does not lead to this bridge fails, with what to do."""
    text = config.read_text()
    public_url = text.partition('public_url = "')[2].partition('"')[0]
    config.write_text(text.replace(public_url, telegram.url, 1))
    code, said, _errors = await run_command("check", config=config)
    assert code == 1
    assert "does not lead to this bridge" in said
    assert "reverse proxy" in said


async def test_offline_asks_no_server(config, telegram):
    """`--offline` looks at this machine only."""
    code, said, _errors = await run_command("check", "--offline", config=config)
    assert code == 0
    assert telegram.calls() == []
    assert "disk" in said
