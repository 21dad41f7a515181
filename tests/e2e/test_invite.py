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


async def test_what_cannot_be_invited_with_is_named(telegram, invite):
    """An unknown bot, and a Telegram that does not answer."""
    code, _, errors = await invite("--bot", "Nobody")
    assert (code, "no bot is called 'Nobody'" in errors) == (1, True)
    telegram.is_down = True
    code, output, errors = await invite()
    assert (code, output) == (1, "")
    assert "kommo-telegram check" in errors


@pytest.mark.parametrize("options", [("--days", "0"), ("--contact", "0"), ("--contact", "Ann")])
async def test_wrong_usage_is_said(telegram, invite, options):
    """Numbers that are none end with code 2."""
    assert (await invite(*options))[0] == 2
