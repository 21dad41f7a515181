"""One client who writes too much: what is beyond the limit is kept, and shown as one notice."""

import json
import sqlite3
from datetime import timedelta

import pytest

from tests.e2e.commands import run_command

ANN, BOB, LIMIT = 555, 556, 10
CONVERSATION = "tg:700001:555"


@pytest.fixture
def config(config):
    """The settings, with a limit."""
    text = config.read_text("utf-8").replace(
        "client_messages_per_min = 0", f"client_messages_per_min = {LIMIT}"
    )
    config.write_text(text, encoding="utf-8")
    return config


def texts_of(kommo, chat_id):
    """Return what Kommo was told in a client's name, in order."""
    return [m.content.get("text") for m in kommo.received if m.sender.client_id == f"tg:{chat_id}"]


def notices(kommo):
    """Return the notices, with whether they were silent."""
    return [
        (m.content["text"], m.is_silent)
        for m in kommo.received
        if "Too many messages" in m.content.get("text", "")
    ]


def held(bridge):
    """Return how many updates are kept on disk."""
    with sqlite3.connect(f"file:{bridge.settings.database}?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM outbox WHERE kind = 'held'").fetchone()[0]


async def test_what_is_beyond_the_limit_is_one_notice(bridge, telegram, kommo, eventually):
    """The first ones are shown in order, then the number of the rest; others are not concerned."""
    for number in range(LIMIT + 25):
        telegram.client_says(f"spam {number}", chat_id=ANN, name="Ann")
        if number % 5 == 0:
            telegram.client_says(f"hello {number}", chat_id=BOB, name="Bob")
    await eventually(lambda: notices(kommo))
    told = texts_of(kommo, ANN)
    assert told[:-1] == [f"spam {number}" for number in range(LIMIT)]
    assert notices(kommo) == [
        ("[Too many messages within a minute: 25 more were kept, and are not shown here.]", True)
    ]
    assert len(texts_of(kommo, BOB)) == 7
    assert held(bridge) == 25


async def test_edits_and_reactions_count_as_well(bridge, telegram, kommo, eventually):
    """Whatever would be a call to Kommo; that the client blocked the bot is known all the same."""
    telegram.client_says("first", chat_id=ANN)  # reactions come once the bot has asked for them
    await eventually(lambda: kommo.received)
    mine = [telegram.client_says(f"{number}", chat_id=ANN) for number in range(LIMIT - 2)]
    telegram.client_edits(mine[0], "changed", chat_id=ANN)
    for number in range(4):
        telegram.client_edits(mine[0], f"changed again {number}", chat_id=ANN)
    telegram.client_reacts(mine[0], "👍", chat_id=ANN)
    telegram.client_blocks(chat_id=ANN)
    await eventually(lambda: notices(kommo))
    assert "5 more" in notices(kommo)[0][0]
    await eventually(lambda: any("blocked the bot" in text for text in texts_of(kommo, ANN)))


async def test_the_next_minute_shows_messages_again(bridge, telegram, kommo, eventually):
    """After the notice, in order."""
    for number in range(LIMIT + 2):
        telegram.client_says(f"spam {number}", chat_id=ANN)
    await eventually(lambda: notices(kommo))
    bridge.ahead += timedelta(seconds=61)
    telegram.client_says("sorry", chat_id=ANN)
    await eventually(lambda: texts_of(kommo, ANN)[-1] == "sorry")
    assert len(texts_of(kommo, ANN)) == LIMIT + 2


async def test_trace_says_what_became_of_a_held_message(bridge, telegram, kommo, eventually):
    """One line, by our id and by Telegram's."""
    mine = [telegram.client_says(f"{number}", chat_id=ANN) for number in range(LIMIT + 1)]
    await eventually(lambda: notices(kommo))
    for name in (f"{CONVERSATION}:{mine[-1]}", f"{ANN}/{mine[-1]}"):
        code, output, _ = await run_command("trace", name, "--json", config=bridge.config)
        assert code == 0
        assert [step["step"] for step in json.loads(output)["steps"]] == ["held"]


async def test_a_restart_in_a_flood_counts_nothing_twice(bridge, telegram, kommo, eventually):
    """Updates that come again are what they were: shown, or held and counted."""
    for number in range(LIMIT + 20):
        telegram.client_says(f"spam {number}", chat_id=ANN)
    updates = list(telegram.bot(None).updates)
    await eventually(lambda: held(bridge) == 20)
    await bridge.stop()
    telegram.bot(None).updates[:] = updates
    await bridge.start()
    telegram.client_says("one more", chat_id=ANN)
    await eventually(lambda: held(bridge) == 21)
    await eventually(lambda: notices(kommo))
    numbers = [int(text.split(": ")[1].split()[0]) for text, _ in notices(kommo)]
    await eventually(
        lambda: sum(int(t.split(": ")[1].split()[0]) for t, _ in notices(kommo)) == 21
    )
    assert numbers
    shown = [text for text in texts_of(kommo, ANN) if text.startswith("spam")]
    assert shown == [f"spam {number}" for number in range(LIMIT)]


async def test_who_is_forgotten_leaves_nothing_held(bridge, telegram, kommo, eventually):
    """What was kept of a flood is erased with the rest."""
    for number in range(LIMIT + 3):
        telegram.client_says(f"secret {number}", chat_id=ANN)
    await eventually(lambda: notices(kommo))
    code, _output, _errors = await run_command(
        "forget", "--chat", str(ANN), "--yes", config=bridge.config
    )
    assert code == 0
    assert held(bridge) == 0
    assert b"secret 12" not in bridge.settings.database.read_bytes()
