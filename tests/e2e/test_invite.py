"""Making invitations by command."""

import asyncio
import contextlib
import io

import pytest

from bot import __main__ as main


@pytest.fixture
def invite(config):
    """Run the command inside this process; return its exit code, output and errors."""

    async def run(*options):
        output, errors = io.StringIO(), io.StringIO()
        arguments = ["--config", str(config), "invite", "--contact", "9030001", *options]

        def call():
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                return main.run(arguments)

        return await asyncio.to_thread(call), output.getvalue(), errors.getvalue()

    return run


async def test_the_link_is_all_that_is_on_standard_output(telegram, invite):
    """It can be passed on as it is; for whom, until when, and what is missing stands beside."""
    code, output, errors = await invite("--bot", "700001", "--many")
    assert code == 0
    assert output.startswith("https://t.me/sales_bot?start=inv_")
    assert len(output.split()) == 1
    assert "everybody who opens it" in errors
    assert "warning: without access to Kommo's REST API" in errors


async def test_every_link_is_another_one(telegram, invite):
    """Nobody can guess the next from the last."""
    first, second = [(await invite())[1] for _ in range(2)]
    assert first != second


@pytest.fixture
def with_rest(config, kommo):
    """Settings with access to Kommo's REST API."""
    text = config.read_text(encoding="utf-8")
    access = f'access_token = "{kommo.access_token}"\napi_url = "{kommo.url}"'
    config.write_text(text.replace("[kommo]", f"[kommo]\n{access}"), encoding="utf-8")
    return config


async def test_nobody_is_invited_for_a_contact_that_is_not_there(
    with_rest, telegram, kommo, invite
):
    """A mistyped number is said at once, and no link is made; a right one is made in silence."""
    code, output, errors = await invite("--json")
    assert (code, output) == (1, "")
    assert "Kommo has no contact 9030001" in errors
    number = kommo.add_contact("Max")
    code, output, errors = await invite("--contact", str(number))
    assert (code, output.startswith("https://t.me/sales_bot")) == (0, True)
    assert "warning" not in errors


@pytest.mark.parametrize("status", [401, 403, 404, 503])
async def test_a_contact_that_cannot_be_looked_for_is_a_warning(
    with_rest, telegram, kommo, invite, status
):
    """The link is made all the same: it ties when the access is there by then."""
    kommo.faults.fail("/api/v4/contacts/*", status=status, times=None)
    code, output, errors = await invite()
    assert (code, output.startswith("https://t.me/sales_bot")) == (0, True)
    assert "warning: could not look up contact 9030001" in errors


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param({"status": 401}, "make a new one with @BotFather", id="revoked"),
        pytest.param({"status": 500}, "status 500", id="broken"),
        pytest.param({"status": 200, "body": "<html>"}, "kommo-telegram check", id="no-json"),
        pytest.param({"status": 200, "body": {"result": {}}}, "check", id="no-name"),
        pytest.param({"status": 200, "body": {"result": {"username": 1}}}, "check", id="odd"),
    ],
)
async def test_a_bot_without_a_name_is_said(telegram, invite, answer, said):
    """Whatever Telegram answers: a line, and never the token."""
    telegram.faults.fail("getMe", times=None, **answer)
    code, output, errors = await invite()
    assert (code, output, said in errors) == (1, "", True)
    assert "FAKE-TOKEN" not in errors


async def test_what_cannot_be_invited_with_is_named(telegram, invite):
    """An unknown bot, and a Telegram that does not answer."""
    code, _, errors = await invite("--bot", "Nobody")
    assert (code, "there is no bot 'Nobody'" in errors) == (1, True)
    telegram.is_down = True
    code, output, errors = await invite()
    assert (code, output) == (1, "")
    assert "kommo-telegram check" in errors


@pytest.mark.parametrize(
    "options",
    [
        ("--days", "0"),
        ("--days", "99999999999999999999"),
        ("--contact", "0"),
        ("--contact", "Ann"),
        ("--contact", "99999999999999999999"),
    ],
)
async def test_wrong_usage_is_said(telegram, invite, options):
    """Numbers that are none end with code 2."""
    assert (await invite(*options))[0] == 2
