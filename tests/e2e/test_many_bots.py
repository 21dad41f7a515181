"""Many bots in one process, each with a source of its own."""

import asyncio

import pytest

from bot.errors import ConfigError
from bot.settings import load
from tests.e2e.commands import run_command
from tests.e2e.conftest import Bridge

MANY, FIRST = 50, 710001
CLIENT = 555


def token(bot_id):
    """Return a bot's token."""
    return f"{bot_id}:FAKE-TOKEN-FOR-TESTS-ONLY-{bot_id}"


def tables(count):
    """Return the settings of so many bots."""
    return "\n".join(
        f'[[telegram.bots]]\ntoken = "{token(bot_id)}"\n'
        f'name = "Bot {bot_id}"\nsource = "bot-{bot_id}"'
        for bot_id in range(FIRST, FIRST + count)
    )


@pytest.fixture
def write(config, kommo):
    """Write settings with so many bots, and access to the REST API."""
    text = config.read_text(encoding="utf-8")
    start, end = text.index("[[telegram.bots]]"), text.index("[listen]")
    access = f'[kommo]\naccess_token = "{kommo.access_token}"\napi_url = "{kommo.url}"'

    def write(count):
        changed = f"{text[:start]}{tables(count)}\n{text[end:]}"
        config.write_text(changed.replace("[kommo]", access), encoding="utf-8")
        return config

    return write


@pytest.mark.no_cover  # the same as with one bot, fifty times
async def test_fifty_bots_keep_their_clients_apart(write, telegram, kommo, eventually):
    """One client writes to fifty bots: each message has its source, each answer its bot."""
    bots = range(FIRST, FIRST + MANY)
    for bot_id in bots:
        telegram.add_bot(token(bot_id), name=f"Bot {bot_id}", username=f"b{bot_id}_bot")
    bridge = Bridge(write(MANY))
    await bridge.start()
    try:
        for bot_id in bots:
            telegram.client_says(f"to {bot_id}", chat_id=CLIENT, bot=bot_id)
        await eventually(lambda: len(kommo.received) == MANY, within_s=60)
        assert {(m.text, m.source) for m in kommo.received} == {
            (f"to {bot_id}", f"bot-{bot_id}") for bot_id in bots
        }
        telegram.revoke(FIRST)
        answers = await asyncio.gather(
            *(
                kommo.manager_says(f"from {bot_id}", to=f"tg:{bot_id}:{CLIENT}")
                for bot_id in bots[1:]
            )
        )
        await eventually(
            lambda: all(kommo.statuses_of(answer) == [1] for answer in answers), within_s=60
        )
        assert {(sent.bot_id, sent.text) for sent in telegram.sent_to(CLIENT)} == {
            (bot_id, f"from {bot_id}") for bot_id in bots[1:]
        }
        telegram.client_says("still here", chat_id=CLIENT, bot=FIRST + 1)
        await eventually(lambda: kommo.received[-1].text == "still here")
    finally:
        await bridge.stop()


async def test_sources_of_a_hundred_bots_are_made_in_one_go(write, kommo):
    """A hundred is what Kommo keeps; they go in batches, and a second time changes nothing."""
    config = write(100)
    code, said, errors = await run_command("sources", "sync", config=config)
    assert (code, said.count("created")) == (0, 100), errors
    assert len({row["external_id"] for row in kommo.account.sources}) == 100
    assert (await run_command("sources", "sync", config=config))[1] == "Nothing to do.\n"


def test_a_hundred_and_one_bots_are_refused(write):
    """More than Kommo has sources for is a wrong setting."""
    with pytest.raises(ConfigError, match="too many"):
        load(write(101), {})
