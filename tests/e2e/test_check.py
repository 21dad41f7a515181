"""`check` only looks, goes as far as it can, and names what is wrong as what it is."""

import hashlib
import json
import os
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.operate.check import machine
from bot.operate.operators.known_chats import OperatorsChats
from bot.settings.placeholders import EXAMPLES
from sandbox.kommo.oauth import Integration
from storage.database import Database
from tests.e2e.commands import run_command
from tests.e2e.conftest import ACCOUNT_ID, CHANNEL_ID, SECRET, TOKEN
from tests.ports import free_port

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
CONVERSATION = "tg:700001:555"
OTHER_UUID = "99999999-8888-4777-8666-555555555555"
CLIENT_ID = "33333333-4444-4555-8666-777777777777"


@pytest.fixture
def rewrite(config):
    """Change the settings file: each old text becomes a new one, which may be nothing."""

    def change(*pairs):
        text = config.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        config.write_text(text, encoding="utf-8")

    return change


@pytest.fixture
def findings(config):
    """Run `check --json`; return its exit code and its findings by name."""

    async def run(*arguments):
        code, said, errors = await run_command("check", "--json", *arguments, config=config)
        rows = json.loads(said)
        assert all(list(row) == ["name", "state", "text", "remedy"] for row in rows), said
        assert errors == ""
        return code, {row["name"]: row for row in rows}

    return run


def everything_in(folder):
    """Return the files of a folder with mode and content."""
    return {
        path.name: (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.iterdir()
        if path.is_file()
    }


@pytest.mark.parametrize("is_granted", [False, True], ids=["token", "consent"])
async def test_check_changes_nothing_anywhere(
    rewrite, config, command, kommo, telegram, bridge, eventually, is_granted
):
    """No writing call reaches Kommo, no file changes, no token is renewed."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await bridge.stop()
    kommo.account.is_connected = False
    access = f'api_url = "{kommo.url}"\n'
    if not is_granted:
        access += f'access_token = "{kommo.access_token}"\n'
    rewrite(("[kommo]", f"[kommo]\n{access}"), (f'account_id = "{ACCOUNT_ID}"\n', ""))
    if is_granted:
        grant_expired(config, kommo, rewrite)
    before, calls = everything_in(config.parent), len(kommo.calls())
    _code, said, errors = await command("check")
    assert "Traceback" not in said + errors
    made = kommo.calls()[calls:]
    assert made == [call for call in made if call.method == "GET"]
    assert kommo.is_connected is False
    assert everything_in(config.parent) == before
    assert is_granted == ("the token expired" in said)


def grant_expired(config, kommo, rewrite):
    """Put a grant into the database whose access token is over, and the integration beside it."""
    redirect_uri = f"{load_url(config)}/oauth/kommo"
    kommo.authority.integration = Integration(CLIENT_ID, "a-client-secret", redirect_uri)
    rewrite(
        (
            "[telegram]",
            f'[kommo.oauth]\nclient_id = "{CLIENT_ID}"\nclient_secret = "a-client-secret"\n'
            f'redirect_uri = "{redirect_uri}"\n[telegram]',
        )
    )
    raw = sqlite3.connect(config.parent / "kommo-telegram.sqlite3")
    ended_ms = int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1000)
    raw.execute(
        "INSERT INTO grants (client_id, account_url, access_token, refresh_token, expires_at, "
        "granted_at) VALUES (?, ?, 'old', 'refresh', ?, ?)",
        (CLIENT_ID, kommo.url, ended_ms, ended_ms),
    )
    raw.commit()
    raw.close()


def load_url(config):
    """Return the public address of a settings file."""
    return re.findall(r'public_url = "(.+)"', config.read_text())[0]


WRONG = {
    "secret": ((SECRET, "0123" * 10), "kommo.channel_secret"),
    "channel": ((CHANNEL_ID, OTHER_UUID), "kommo.channel_id"),
    "account": ((ACCOUNT_ID, OTHER_UUID), "kommo.account_id"),
}


@pytest.mark.parametrize(("change", "named"), WRONG.values(), ids=WRONG)
async def test_wrong_secret_channel_and_account_are_told_apart(
    findings, rewrite, kommo, change, named
):
    """The remedy names the one setting that Kommo's answers point at."""
    kommo.account.is_connected = True
    rewrite(change)
    code, found = await findings()
    assert (code, found["channel"]["state"]) == (1, "failed")
    remedy = found["channel"]["remedy"]
    assert re.findall(r"kommo\.(?:channel|account)_\w+", remedy) == [named]


async def test_a_wrong_account_is_named_by_the_token_that_opens_another(findings, rewrite, kommo):
    """Where the REST API tells the account, the id that is right is printed."""
    kommo.account.is_connected = True
    access = f'api_url = "{kommo.url}"\naccess_token = "{kommo.access_token}"\n'
    rewrite((ACCOUNT_ID, OTHER_UUID), ("[kommo]", f"[kommo]\n{access}"))
    code, found = await findings()
    assert code == 1
    assert f"set kommo.account_id to {ACCOUNT_ID}" in found["REST access"]["remedy"]
    assert "channel" not in found


CHANNEL_STATES = {
    "unconnected": (lambda kommo: None, "warning", "not connected"),
    "switched-off": (lambda kommo: setattr(kommo, "is_enabled", False), "failed", "switched on"),
    "unpaid": (
        lambda kommo: kommo.faults.fail("*/history", status=402, times=None, body={"status": 402}),
        "failed",
        "renew the account's subscription",
    ),
    "refused": (
        lambda kommo: kommo.faults.fail(
            "*/history", status=400, times=None, body={"error_code": 400, "error_type": "Other"}
        ),
        "failed",
        "kommo.channel_secret",
    ),
    "blocked": (
        lambda kommo: kommo.faults.fail("*/history", status=403, times=None, body="<html>403"),
        "failed",
        "blocks addresses",
    ),
    "outage": (
        lambda kommo: kommo.faults.fail("*/history", status=503, times=None),
        "failed",
        "outage",
    ),
    "busy": (
        lambda kommo: kommo.faults.fail("*/history", status=429, times=None),
        "failed",
        "wait",
    ),
    "router": (
        lambda kommo: kommo.faults.html("*/history", status=404, times=None),
        "failed",
        "kommo.chats_url",
    ),
}


@pytest.mark.parametrize(("make", "state", "word"), CHANNEL_STATES.values(), ids=CHANNEL_STATES)
async def test_what_kommo_says_of_the_channel_is_told(findings, kommo, make, state, word):
    """Each answer of Kommo has its state and its remedy."""
    make(kommo)
    _code, found = await findings()
    row = found["channel"]
    assert (row["state"], word in row["text"] + row["remedy"]) == (state, True), row


@pytest.mark.parametrize(
    ("make", "changes", "text"),
    [
        pytest.param(
            lambda kommo: None,
            [],
            "it is not connected to the account yet (Kommo answers 403 Error)",
            id="unconnected",
        ),
        pytest.param(
            lambda kommo: setattr(kommo, "is_enabled", False),
            [],
            "Kommo does not know the channel (Kommo answers 404 ORIGIN_NOT_REGISTERED)",
            id="switched-off",
        ),
        pytest.param(
            lambda kommo: None,
            [(SECRET, "0" * 40)],
            "the channel secret (Kommo answers 403 ORIGIN_INVALID_SIGNATURE)",
            id="secret",
        ),
        pytest.param(
            lambda kommo: None,
            [(CHANNEL_ID, OTHER_UUID)],
            "Kommo does not know the channel (Kommo answers 404 ORIGIN_NOT_REGISTERED)",
            id="channel",
        ),
        pytest.param(
            CHANNEL_STATES["unpaid"][0],
            [],
            "the account is not paid for (Kommo answers 402)",
            id="unpaid",
        ),
    ],
)
async def test_what_kommo_says_is_told_in_words(findings, rewrite, kommo, make, changes, text):
    """No braces: a person reads what it means, and what to quote to Kommo's support."""
    make(kommo)
    rewrite(*changes)
    _code, found = await findings()
    assert text in found["channel"]["text"]
    assert "{" not in found["channel"]["text"]


OPEN = {
    "empty": [(CHANNEL_ID, ""), (SECRET, "")],
    "missing": [(f'channel_id = "{CHANNEL_ID}"\n', ""), (f'channel_secret = "{SECRET}"\n', "")],
    "placeholder": [(CHANNEL_ID, "YOUR-CHANNEL-ID"), (SECRET, "")],
    "no-secret": [(f'channel_secret = "{SECRET}"\n', "")],
}


@pytest.mark.parametrize("changes", OPEN.values(), ids=OPEN)
async def test_before_support_has_answered_the_rest_is_checked(
    findings, rewrite, changes, telegram, kommo
):
    """Bot, token and public address are tried; what is waited for is said, and nothing fails."""
    access = f'api_url = "{kommo.url}"\naccess_token = "{kommo.access_token}"\n'
    rewrite(*changes, ("[kommo]", f"[kommo]\n{access}"))
    code, found = await findings()
    assert code == 0, found
    assert found["channel"]["state"] == "warning"
    assert "waiting for Kommo support" in found["channel"]["text"]
    assert "kommo.channel_secret" in found["channel"]["text"]
    assert found["bot 700001"]["state"] == found["REST access"]["state"] == "ok"
    assert "nobody listens there" in found["public address"]["text"]
    telegram.revoke(700001)
    code, found = await findings()
    assert (code, found["bot 700001"]["state"]) == (1, "failed")


async def test_a_consent_may_wait_until_support_has_answered(findings, rewrite, config, kommo):
    """Only a service that runs can take it: until then it is a warning, with the link."""
    table = (
        f'[kommo.oauth]\nclient_id = "{CLIENT_ID}"\nclient_secret = "s3cr3t-of-tests"\n'
        f'redirect_uri = "{load_url(config)}/oauth/kommo"\n[telegram]'
    )
    rewrite(
        ("[telegram]", table),
        (SECRET, ""),
        ("[kommo]", f'[kommo]\napi_url = "{kommo.url}"'),
        (f'account_id = "{ACCOUNT_ID}"\n', ""),
    )
    code, found = await findings()
    assert code == 0, found
    assert found["REST access"]["state"] == found["account"]["state"] == "warning"
    assert "https://www.kommo.com/oauth?" in found["REST access"]["text"]


async def test_what_else_is_wrong_is_said_before_support_has_answered(config, rewrite):
    """A mistake is exit code 2 and a line of its own; what support will tell is no mistake."""
    rewrite((CHANNEL_ID, ""), (TOKEN, "no token"))
    code, said, errors = await run_command("check", "--json", config=config)
    assert code == 2
    assert "telegram.bots[0].token" in errors
    rows = json.loads(said)
    assert [(row["name"], row["state"]) for row in rows] == [("settings", "failed")]
    assert "no token" not in said + errors


async def test_a_redirect_address_of_another_host_is_noticed(findings, rewrite, config):
    """Kommo would send who consents to another machine."""
    table = (
        f'[kommo.oauth]\nclient_id = "{CLIENT_ID}"\nclient_secret = "s3cr3t-of-tests"\n'
        'redirect_uri = "https://old.bridge.org/oauth/kommo"\n[telegram]'
    )
    rewrite(("[telegram]", table))
    code, found = await findings("--offline")
    assert (code, found["settings"]["state"]) == (1, "failed")
    assert "old.bridge.org" in found["settings"]["text"]
    rewrite(("https://old.bridge.org/oauth/kommo", f"{load_url(config)}/oauth"))
    code, found = await findings("--offline")
    assert (code, found["settings"]["state"]) == (0, "warning")


async def test_the_example_as_it_is_does_not_pass(tmp_path):
    """A copy that nobody edited is named, setting by setting."""
    file = tmp_path / "config.toml"
    file.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    file.chmod(0o600)
    code, said, _ = await run_command("check", "--offline", config=file)
    assert code == 1
    names = ("public_url", "channel_id", "channel_secret", "account_id", "bots[0].token")
    assert [name for name in names if f"{name} still has" not in said] == []


def test_the_examples_secrets_are_known():
    """Who changes the example changes what `check` recognises."""
    text = EXAMPLE.read_text(encoding="utf-8")
    given = re.findall(r'(?:channel_secret|access_token|token) = "(.+)"', text)
    assert set(given) <= EXAMPLES


PLACEHOLDERS = [
    "your-channel-secret",
    "CHANGE_ME",
    "<secret>",
    "xxxxxxxx",
    "paste-it-here",
    "0000",
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
async def test_a_placeholder_is_no_secret(findings, rewrite, value):
    """Words that stand for a value are named, and never shown."""
    rewrite((SECRET, value))
    code, found = await findings("--offline")
    assert (code, found["settings"]["state"]) == (1, "failed")
    assert "kommo.channel_secret" in found["settings"]["text"]
    assert value not in str(found["settings"])


async def test_every_line_is_one_record_in_a_pipe(command, telegram):
    """A line begins with its state, and the remedy follows a tab."""
    telegram.revoke(700001)
    _code, said, _errors = await command("check")
    lines = said.splitlines()
    assert all(re.match(r"(ok|warning|failed) ", line) for line in lines), said
    [line] = [line for line in lines if "bot 700001" in line]
    assert line.endswith("\t→ make a new one with @BotFather")


async def test_a_database_of_an_older_version_is_only_looked_at(findings, config):
    """It is brought up to date by the service's start, not by a question."""
    path = config.parent / "kommo-telegram.sqlite3"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT)")
    raw.commit()
    raw.close()
    before = everything_in(config.parent)
    code, found = await findings()
    assert (code, found["database"]["state"]) == (0, "warning")
    assert "older version" in found["database"]["text"]
    assert everything_in(config.parent) == before


async def test_a_file_that_is_no_database_is_named(findings, config):
    """It fails with what to look at."""
    (config.parent / "kommo-telegram.sqlite3").write_bytes(b"no database at all" * 100)
    code, found = await findings("--offline")
    assert (code, found["database"]["state"]) == (1, "failed")
    assert "no SQLite database" in found["database"]["text"]


@pytest.fixture
async def serve():
    """Start a web server that answers everything alike; return its address."""
    runners = []

    async def start(text="hello", port=0, **headers):
        async def answer(_request):
            return web.Response(text=text, headers=headers)

        application = web.Application()
        application.router.add_route("*", "/{any:.*}", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_a_folder_that_is_not_there_is_named(findings, rewrite):
    """Neither disk nor database can be looked at; both say what to do."""
    rewrite(("[telegram]", '[storage]\npath = "none/bridge.sqlite3"\n[telegram]'))
    code, found = await findings("--offline")
    assert (code, found["disk"]["state"], found["database"]["state"]) == (1, "failed", "failed")
    assert "none" in found["disk"]["text"]
    assert "make the folder" in found["database"]["remedy"]


async def test_a_disk_that_is_nearly_full_fails(findings, monkeypatch):
    """Before the database cannot grow any more."""
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 2**62)
    code, found = await findings("--offline")
    assert (code, found["disk"]["state"]) == (1, "failed")
    assert "free some space" in found["disk"]["remedy"]


async def test_dead_items_are_a_warning(findings, bridge, kommo, telegram, eventually):
    """With the command that shows them."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.client_blocks(555)
    answer = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [-1])
    _code, found = await findings("--offline")
    assert found["database"]["state"] == "warning"
    assert "1 is dead" in found["database"]["text"]
    assert "queue list" in found["database"]["remedy"]


@pytest.mark.parametrize(
    ("copied", "state", "text"),
    [
        pytest.param(None, "warning", "no backup has been made, though", id="never"),
        pytest.param(3, "warning", "the last backup is 3 days old, though", id="missed"),
        pytest.param(1, "ok", "the last backup is 24.0 h old", id="made"),
    ],
)
async def test_a_backup_that_is_missed_is_a_warning(findings, bridge, config, copied, state, text):
    """The settings ask for a copy a day; the newest one tells whether there is one."""
    await bridge.stop()
    folder = config.parent / "copies"
    if copied is not None:
        folder.mkdir()
        copy = folder / "kommo-telegram-2026-03-01.sqlite3"
        copy.touch()
        made_at = (datetime.now(UTC) - timedelta(days=copied)).timestamp()
        os.utime(copy, (made_at, made_at))
    _code, rows = await findings("--offline")
    assert rows["backup"]["state"] == "ok"
    assert "storage.backup_dir makes one a day" in rows["backup"]["text"]
    text_before = config.read_text(encoding="utf-8")
    config.write_text(f'{text_before}\n[storage]\nbackup_dir = "copies"\n', encoding="utf-8")
    _code, rows = await findings("--offline")
    assert (rows["backup"]["state"], text in rows["backup"]["text"]) == (state, True)
    assert (str(folder) in rows["backup"]["remedy"]) == (state == "warning")


async def test_a_group_that_moved_is_named(findings, bridge, rewrite, config):
    """The bridge follows it; the settings have the old number until somebody corrects them."""
    await bridge.stop()
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[operators]\nchat_ids = [-100]\n", encoding="utf-8")
    chats = OperatorsChats((-100,))
    chats.move(-100, -1000200)
    async with (
        Database.open(config.parent / "kommo-telegram.sqlite3") as database,
        database.transaction() as tx,
    ):
        await chats.save(tx)
    _code, rows = await findings("--offline")
    assert rows["operators"]["state"] == "warning"
    assert "-1000200 instead of -100" in rows["operators"]["remedy"]


async def test_wrong_settings_are_findings_too(findings, rewrite, config, command):
    """`--json` is one document, whatever is wrong; the lines are as with any command."""
    rewrite((f'channel_id = "{CHANNEL_ID}"', 'channel_id = "no uuid"'))
    code, said, errors = await command("check", "--json")
    rows = json.loads(said)
    assert (code, [(row["name"], row["state"]) for row in rows]) == (2, [("settings", "failed")])
    assert "kommo.channel_id" in rows[0]["text"]
    assert "kommo.channel_id" in errors


async def test_a_webhook_that_somebody_set_is_named(findings, telegram):
    """Nothing can be polled beside it."""
    info = {"url": "https://other.org/", "has_custom_certificate": False}
    body = {"ok": True, "result": info | {"pending_update_count": 3}}
    telegram.faults.fail("getWebhookInfo", status=200, body=body)
    code, found = await findings()
    assert (code, found["bot 700001"]["state"]) == (1, "failed")
    assert "a webhook is set" in found["bot 700001"]["text"]


async def test_servers_that_are_not_there_are_named(findings, rewrite, telegram, kommo):
    """Each line says that nobody listens, rather than the name of an error."""
    gone = f"http://127.0.0.1:{free_port()}"
    rewrite((telegram.url, gone), (kommo.url, gone))
    code, found = await findings()
    assert code == 1
    for name in ("bot 700001", "channel", "clock against Kommo's", "clock against Telegram's"):
        assert (found[name]["state"], "nobody listens" in found[name]["text"]) == ("failed", True)


async def test_a_wrong_clock_is_named(findings, rewrite, kommo, serve):
    """Kommo refuses signatures of a clock that is far off."""
    rewrite((kommo.url, await serve(Date="Thu, 01 Jan 2026 10:00:00 GMT")))
    code, found = await findings()
    row = found["clock against Kommo's"]
    assert (code, row["state"], "timedatectl" in row["remedy"]) == (1, "failed", True)


async def test_who_is_not_kommo_is_named(findings, rewrite, kommo, serve):
    """A page with a 200 is no proof that the channel is taken."""
    rewrite((kommo.url, await serve("<html>welcome</html>")))
    code, found = await findings()
    assert (code, found["channel"]["state"]) == (1, "failed")
    assert "kommo.chats_url" in found["channel"]["remedy"]


async def test_a_token_that_kommo_refuses_is_named(findings, rewrite, kommo):
    """With where to make a new one."""
    access = f'api_url = "{kommo.url}"\naccess_token = "refused-long-lived-token"\n'
    rewrite(("[kommo]", f"[kommo]\n{access}"), (f'account_id = "{ACCOUNT_ID}"\n', ""))
    code, found = await findings()
    assert (code, found["REST access"]["state"]) == (1, "failed")
    assert "make a new one" in found["REST access"]["text"]
    assert found["account"]["state"] == "failed"
    assert "channel" not in found


async def test_an_outage_of_the_rest_api_costs_no_message(findings, rewrite, kommo):
    """It is named, with what goes on without it."""
    access = f'api_url = "{kommo.url}"\naccess_token = "{kommo.access_token}"\n'
    rewrite(("[kommo]", f"[kommo]\n{access}"))
    kommo.faults.fail("/api/v4/account", status=503, times=None)
    code, found = await findings()
    assert (code, found["REST access"]["state"]) == (1, "failed")
    assert "messages cross without it" in found["REST access"]["remedy"]


async def test_who_connects_by_hand_is_told_to(findings, rewrite):
    """The service's start does not connect a channel that is to be left alone."""
    rewrite(("[kommo]", "[kommo]\nconnect_on_start = false"))
    code, found = await findings()
    assert (code, found["channel"]["state"]) == (1, "failed")
    assert "kommo-telegram connect" in found["channel"]["remedy"]


async def test_a_source_that_kommo_does_not_have_is_named(findings, rewrite, kommo):
    """With the command that makes it."""
    access = f'api_url = "{kommo.url}"\naccess_token = "{kommo.access_token}"\n'
    rewrite(("[kommo]", f"[kommo]\n{access}"), (f'"{TOKEN}"', f'"{TOKEN}"\nsource = "sales"'))
    code, found = await findings()
    assert (code, found["sources"]["state"]) == (1, "failed")
    assert "sales" in found["sources"]["text"]
    assert "sources sync" in found["sources"]["remedy"]


async def test_another_program_at_the_local_address_is_named(findings, ports, serve):
    """It is not taken for the service."""
    await serve(port=ports[1])
    _code, found = await findings()
    assert found["service"]["state"] == "warning"
    assert "another program" in found["service"]["text"]


async def test_a_public_address_that_does_not_answer_fails_while_it_runs(
    findings, bridge, rewrite, config
):
    """The proxy is missing, or passes on to another port."""
    rewrite((load_url(config), f"http://127.0.0.1:{free_port()}"))
    code, found = await findings()
    assert (code, found["public address"]["state"]) == (1, "failed")
    assert "reverse proxy" in found["public address"]["remedy"]


async def test_an_address_that_answers_before_the_bridge_runs_is_doubtful(
    findings, rewrite, config, serve
):
    """A proxy alone would answer 502: something else stands there."""
    rewrite((load_url(config), await serve()), (SECRET, ""))
    _code, found = await findings()
    assert found["public address"]["state"] == "warning"
    assert "status 200" in found["public address"]["text"]
