"""The wizard and `check`, against the sandbox's real servers."""

import asyncio
import io
import re
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.account.consent import end_of
from bot.settings import load, load_unregistered
from tests.e2e.commands import run_command
from tests.e2e.conftest import ACCOUNT_ID, CHANNEL_ID, SECRET, TOKEN, Bridge
from tests.e2e.terminals import CTRL_C, on_terminal


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
        "example.org", "example", "wrong", "https://example.kommo.com/", kommo.access_token,
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
    assert "contains more than host, port and path" in errors
    assert "scope_id" in said
    assert "Please register" not in said
    assert said.rstrip().splitlines()[-1].startswith("Then:  kommo-telegram run")


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
    assert "is this the right account?" in errors


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


ANSWERS = (TOKEN, "https://bridge.example.com", "example")


async def test_a_second_time_enter_keeps_what_is_there(answers, tmp_path, kommo):
    """Days later the channel is all that is new; comments and other settings stay."""
    file = tmp_path / "new.toml"
    answers(*ANSWERS, kommo.access_token, "", "")
    assert (await run_command("init", config=file))[0] == 0
    before = file.read_text(encoding="utf-8")
    before += "\n[operators]  # mine\nchat_ids = [42]\n# a note of mine\n"
    file.write_text(before, encoding="utf-8")
    answers("", "", "", "", CHANNEL_ID, SECRET)
    code, said, errors = await run_command("init", config=file)
    assert code == 0, errors
    settings = load(file, {})
    assert settings.kommo.channel_secret.get_secret_value() == SECRET
    assert settings.operators.chat_ids == (42,)
    changes = {f'channel_id = "{CHANNEL_ID}"', f'channel_secret = "{SECRET}"'}
    after = file.read_text(encoding="utf-8")
    assert set(after.splitlines()) - set(before.splitlines()) == changes
    gone = set(before.splitlines()) - set(after.splitlines())
    assert gone == {'# channel_id = ""', '# channel_secret = ""'}
    assert "Please register" not in said
    assert TOKEN not in said + errors
    assert kommo.access_token not in said + errors
    assert "Enter keeps https://bridge.example.com" in said


async def test_a_third_time_nothing_changes_at_all(answers, tmp_path, kommo):
    """Enter, and nothing but Enter, leaves the file byte for byte."""
    file = tmp_path / "new.toml"
    answers(*ANSWERS, kommo.access_token, CHANNEL_ID, SECRET)
    await run_command("init", config=file)
    before = file.read_bytes()
    answers("", "", "", "", "", "")
    code, said, errors = await run_command("init", config=file)
    assert code == 0, errors
    assert file.read_bytes() == before
    assert SECRET not in said + errors


CODE, BOT_ID = "amo.ext.76543210", "2b9e6f0a-1c3d-4e5f-8a7b-9c0d1e2f3a4b"


async def test_the_other_lines_of_the_answer_are_asked_for(answers, tmp_path, kommo):
    """Code and bot come from the same letter; a second time offers them, "-" takes them away."""
    file = tmp_path / "new.toml"
    channel = (CHANNEL_ID, SECRET)
    answers(*ANSWERS, kommo.access_token, *channel, BOT_ID, CODE, "700001", BOT_ID.upper())
    code, said, errors = await run_command("init", config=file)
    assert (code, errors.count("looks like amo.ext"), errors.count("a UUID")) == (0, 1, 1)
    assert "leave empty what it does not have" in said
    settings = load(file, {}).kommo
    assert (settings.channel_code, settings.channel_bot_id) == (CODE, BOT_ID)
    before = file.read_bytes()
    answers(*[""] * 8)
    code, said, _errors = await run_command("init", config=file)
    assert (code, file.read_bytes()) == (0, before)
    assert f"Enter keeps {CODE}" in said
    answers(*[""] * 6, "-", "-")
    await run_command("init", config=file)
    settings = load(file, {}).kommo
    assert (settings.channel_code, settings.channel_bot_id) == (None, None)


async def test_code_and_bot_fill_the_lines_that_wait_for_them(answers, tmp_path, kommo):
    """The comment of the first day becomes the setting; nothing else of the file changes."""
    file = tmp_path / "new.toml"
    answers(*ANSWERS, kommo.access_token, "", "")
    await run_command("init", config=file)
    before = file.read_text(encoding="utf-8").splitlines()
    answers(*[""] * 4, CHANNEL_ID, SECRET, CODE, BOT_ID)
    assert (await run_command("init", config=file))[0] == 0
    after = file.read_text(encoding="utf-8").splitlines()
    keys = ("channel_id", "channel_secret", "channel_code", "channel_bot_id")
    assert len(after) == len(before)
    assert {old.split()[1] for old in before if old not in after} == {*keys}
    settings = load(file, {}).kommo
    assert (settings.channel_code, settings.channel_bot_id) == (CODE, BOT_ID)


async def test_what_is_in_the_file_stays_while_support_is_silent(answers, tmp_path, kommo):
    """Who wrote the code by hand keeps it, though it is not asked for without a channel."""
    file = tmp_path / "new.toml"
    answers(*ANSWERS, kommo.access_token, "", "")
    await run_command("init", config=file)
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace('# channel_code = "amo.ext.12345678"', f'channel_code = "{CODE}"')
    )
    answers(*[""] * 6)
    assert (await run_command("init", config=file))[0] == 0
    assert load_unregistered(file, {})[0].kommo.channel_code == CODE


async def test_consent_can_be_changed_for_a_token_and_back(answers, tmp_path, kommo):
    """What the other way needs is asked for; the file loads each time."""
    file = tmp_path / "new.toml"
    answers(*ANSWERS, "", "client", "fake-secret", CHANNEL_ID, SECRET)
    assert (await run_command("init", config=file))[0] == 0
    answers("", "", "", "", "", "", "", "")
    assert (await run_command("init", config=file))[0] == 0
    oauth = load(file, {}).kommo.oauth
    assert oauth is not None
    assert oauth.client_secret.get_secret_value() == "fake-secret"
    answers("", "https://new.example.com", "", kommo.access_token, "", "")  # and back to a token
    code, _said, errors = await run_command("init", config=file)
    assert code == 0, errors
    settings = load(file, {})
    assert settings.kommo.account_id == ACCOUNT_ID
    assert settings.public_url == "https://new.example.com"
    answers("", "", "", "-", "", "", "", "-")
    assert (await run_command("init", config=file))[0] == 0
    settings, missing = load_unregistered(file, {"KOMMO_TELEGRAM__KOMMO__ACCOUNT_ID": ACCOUNT_ID})
    assert (settings.kommo.access_token, missing) == (None, ("kommo.channel_secret",))
    assert settings.kommo.oauth is not None
    assert settings.kommo.oauth.redirect_uri == "https://new.example.com/oauth/kommo"


async def test_the_copied_example_is_filled_in(answers, tmp_path, kommo):
    """Its values stand for nothing, so that they are not offered; the rest of it stays."""
    file = tmp_path / "config.toml"
    example = (Path(__file__).parents[2] / "config.example.toml").read_text(encoding="utf-8")
    file.write_text(example, encoding="utf-8")
    answers("", TOKEN, "https://bridge.mine.org", "example", kommo.access_token, "", "")
    code, said, errors = await run_command("init", config=file)
    assert code == 0, errors
    settings, missing = load_unregistered(file, {})
    assert missing == ("kommo.channel_id", "kommo.channel_secret")
    assert settings.kommo.account_id == ACCOUNT_ID
    assert settings.telegram.bots[0].token.get_secret_value() == TOKEN
    assert "Please register" in said
    kept = [line for line in example.splitlines() if line.startswith("# ")]
    assert len(set(kept) - set(file.read_text(encoding="utf-8").splitlines())) <= 4


WRONG_IDS = ["amo.ext.12345678", "12345678", f"{CHANNEL_ID}_{ACCOUNT_ID}", "{" + CHANNEL_ID + "}"]


@pytest.mark.parametrize("wrong", WRONG_IDS, ids=["code", "number", "scope", "braces"])
async def test_a_channel_id_that_is_none_is_asked_again(answers, tmp_path, kommo, wrong):
    """What support sends besides is easily taken for it; so is an id with something around it."""
    file = tmp_path / "new.toml"
    answers(*ANSWERS, kommo.access_token, wrong, CHANNEL_ID.upper(), "with a space", SECRET)
    code, _said, errors = await run_command("init", config=file)
    assert (code, errors.count("UUID"), errors.count("without spaces")) == (0, 1, 1)
    assert load(file, {}).kommo.channel_id == CHANNEL_ID


ACCOUNTS = {
    "example": ("https://example.kommo.com", "kommo.com"),
    "Example.kommo.com": ("https://example.kommo.com", "kommo.com"),
    "https://example.kommo.com/leads/detail/123?tab=1#a": (
        "https://example.kommo.com",
        "kommo.com",
    ),
    "example.kommo.com/leads/": ("https://example.kommo.com", "kommo.com"),
    "https://my-shop.amocrm.ru/leads/pipeline/1/": ("https://my-shop.amocrm.ru", "amocrm.ru"),
    "my-shop.amocrm.ru": ("https://my-shop.amocrm.ru", "amocrm.ru"),
    "https://my-shop.amocrm.com/dashboard/": ("https://my-shop.amocrm.com", "kommo.com"),
}


@pytest.mark.parametrize(("typed", "wanted"), ACCOUNTS.items(), ids=range(len(ACCOUNTS)))
async def test_an_account_is_found_in_whatever_the_browser_shows(
    answers, tmp_path, monkeypatch, typed, wanted
):
    """Names, hosts, addresses of pages; of Kommo and of amoCRM; also when offered again."""
    monkeypatch.delenv("KOMMO_TELEGRAM__KOMMO__API_URL")
    file = tmp_path / "new.toml"
    url, family = wanted
    for account in (typed, ""):
        answers(TOKEN, "https://bridge.example.com", account, "", "client", "fake-secret", "", "")
        code, _said, errors = await run_command("init", config=file)
        assert code == 0, errors
        kommo = load_unregistered(file, {"KOMMO_TELEGRAM__KOMMO__ACCOUNT_ID": ACCOUNT_ID})[0].kommo
        assert (kommo.rest_url, kommo.chats_url) == (url, f"https://amojo.{family}")


@pytest.mark.parametrize(
    "wrong", ["www.kommo.com", "https://example.org/", "two words", "exa_mple", "https://[::1"]
)
async def test_what_is_no_account_is_asked_again(answers, tmp_path, kommo, wrong):
    """The example of what is meant stands in the line."""
    answers(TOKEN, "https://bridge.example.com", wrong, "example", kommo.access_token, "", "")
    code, _said, errors = await run_command("init", config=tmp_path / "new.toml")
    assert code == 0
    assert "https://example.amocrm.ru" in errors


async def test_kommos_address_is_not_taken_for_the_bridges(answers, tmp_path, kommo):
    """The public address is that of one's own server."""
    page = "https://example.kommo.com/leads"
    answers(TOKEN, page, "https://bridge.example.com", "example", kommo.access_token, "", "")
    code, _said, errors = await run_command("init", config=tmp_path / "new.toml")
    assert (code, "your own server" in errors) == (0, True)


@pytest.mark.parametrize("count", range(6))
async def test_an_end_in_the_middle_changes_nothing(answers, config, kommo, count):
    """Ctrl-D at whatever question: the file is as it was, and nothing lies beside it."""
    given = [TOKEN, "https://bridge.example.com", "example", kommo.access_token, CHANNEL_ID]
    before, names = config.read_bytes(), sorted(path.name for path in config.parent.iterdir())
    answers(*given[:count])
    code, _said, errors = await run_command("init", config=config)
    assert (code, config.read_bytes()) == (1, before)
    assert sorted(path.name for path in config.parent.iterdir()) == names
    assert "nothing was written or changed" in errors


async def test_ctrl_c_changes_nothing(config, telegram, eventually):
    """Also while an answer is being tried."""
    before = config.read_bytes()
    hanging = telegram.faults.hang("getMe", times=None)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "--config", str(config), "init"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    child.stdin.write(f"{TOKEN}\n".encode())
    await child.stdin.drain()
    await eventually(lambda: hanging.hits == 1, within_s=60)
    child.send_signal(signal.SIGINT)
    _said, errors = await child.communicate()
    assert (child.returncode, config.read_bytes()) == (1, before)
    assert b"nothing was written or changed" in errors
    assert b"Traceback" not in errors


PROMPTS = {
    "Bot token": TOKEN,
    "Public address": "https://bridge.example.com",
    "Account name": "example",
    "Long-lived token": None,
    "Channel id": CHANNEL_ID,
    "Channel secret": SECRET,
    "Channel code": CODE,
    "Id of its bot": BOT_ID,
}
BY_CONSENT = {
    **dict(list(PROMPTS.items())[:3]),
    "Long-lived token": "",
    "Integration id": "client",
    "Secret key": "fake-secret",
    **dict(list(PROMPTS.items())[4:]),
}
INTERRUPTED = [
    *((PROMPTS, prompt) for prompt in PROMPTS),
    *((BY_CONSENT, prompt) for prompt in ("Integration id", "Secret key")),
]


@pytest.mark.parametrize("has_file", [False, True], ids=["first", "second"])
@pytest.mark.parametrize(("answers", "at"), INTERRUPTED, ids=[at for _, at in INTERRUPTED])
async def test_ctrl_c_at_each_question_changes_nothing(
    tmp_path, config, kommo, answers, at, has_file
):
    """On a terminal: a line says so and how to go on, and there is no half a file."""
    file = config if has_file else tmp_path / "new" / "config.toml"
    file.parent.mkdir(exist_ok=True)
    before = {path: path.read_bytes() for path in file.parent.iterdir() if path.is_file()}
    with on_terminal("--config", str(file), "init") as terminal:
        for prompt, answer in answers.items():
            await terminal.until(f"\n{prompt}")
            await terminal.until(": ")
            if prompt == at:
                break
            typed = "-" if has_file and answer == "" else answer
            terminal.type(f"{kommo.access_token if typed is None else typed}\n")
        terminal.type(CTRL_C)
        assert await terminal.ended() == 1, terminal.shown
    assert "Stopped: nothing was written or changed." in terminal.shown
    assert "asks again from the start" in terminal.shown
    assert "Traceback" not in terminal.shown
    after = {path: path.read_bytes() for path in file.parent.iterdir() if path.is_file()}
    assert after == before


@pytest.mark.parametrize("content", [b"[kommo", b"\xff\xfe"], ids=["no-toml", "no-utf-8"])
async def test_a_file_that_cannot_be_read_is_left_alone(answers, tmp_path, content):
    """It is named, with what to do, before anything is asked."""
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    answers()
    code, said, errors = await run_command("init", config=file)
    assert (code, said, file.read_bytes()) == (1, "", content)
    assert "correct it" in errors


async def test_what_can_be_done_while_support_is_silent_is_said(answers, tmp_path, kommo):
    """Today, what to send, and what to do when the answer is there."""
    answers(*ANSWERS, kommo.access_token, "", "")
    file = tmp_path / "new.toml"
    _code, said, _errors = await run_command("init", config=file)
    order = ["What you can do today", "Please register", "When support has answered"]
    assert sorted(order, key=said.index) == order
    code, checked, _errors = await run_command("check", "--offline", config=file)
    assert code == 1  # for the address of the example alone
    assert "public_url still has the value of an example" in checked
    assert "Kommo support" in (await run_command("config", "show", config=file))[1]


async def test_the_service_does_not_start_before_support_has_answered(answers, tmp_path, kommo):
    """It ends with 2, which systemd does not try again; a line per setting says what to do."""
    answers(*ANSWERS, kommo.access_token, "", "")
    file = tmp_path / "new.toml"
    await run_command("init", config=file)
    code, said, errors = await run_command("run", config=file)
    assert (code, said) == (2, "")
    lines = errors.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "kommo.channel_id",
        "kommo.channel_secret",
    ]
    for line in lines:
        assert "working days" in line
        assert "kommo-telegram check" in line
        assert "kommo-telegram init" in line
