"""A message on which the other side fails for ever holds nobody up for long."""

import asyncio
import json
from dataclasses import replace

import pytest

from bot.app import delivering
from bot.deliver.poison import Poison
from bot.queue.outcomes import RetryPolicy
from tests.e2e.commands import run_command

ANN, BOB, BOSS = 555, 556, 900
CONVERSATION, OTHERS = "tg:700001:555", "tg:700001:556"
BRISK = RetryPolicy(first_s=0.1, factor=1.0)


@pytest.fixture(autouse=True)
def brisk(monkeypatch):
    """Alerts that a test can wait for."""
    monkeypatch.setattr("bot.operate.jobs.ALERT_EVERY_S", 0.2)


@pytest.fixture
def rules():
    """Attempts that follow each other at once, and thresholds that a test can wait for."""
    poison = Poison(failures=4, over_s=0.3)
    usual = delivering.USUAL_RULES
    return delivering.DeliveryRules(
        replace(usual.to_kommo, policy=BRISK, poison=poison),
        replace(usual.to_telegram, policy=BRISK, poison=poison),
    )


@pytest.fixture
def config(config):
    """The settings, with an operators' chat."""
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[operators]\nchat_ids = [{BOSS}]\n", encoding="utf-8")
    return config


@pytest.fixture
async def known(brisk, bridge, telegram, kommo, eventually):
    """Two clients who wrote."""
    for chat_id in (ANN, BOB):
        telegram.client_says("hi", chat_id=chat_id)
    await eventually(lambda: len(kommo.conversations) == 2)
    return bridge


async def dead_items(bridge):
    """Return the dead items that `queue list` prints."""
    _code, listed, _errors = await run_command("queue", "list", "--json", config=bridge.config)
    return [item for item in json.loads(listed) if item["state"] == "dead"]


async def test_an_answer_on_which_telegram_fails_is_given_up_early(
    known, telegram, kommo, eventually
):
    """The manager reads it, the conversation goes on, and a retry delivers it after all."""
    fault = telegram.faults.fail(
        "sendMessage", status=500, times=None, where=lambda call: call.fields["text"] == "bad"
    )
    bad = await kommo.manager_says("bad", to=CONVERSATION)
    after = await kommo.manager_says("after", to=CONVERSATION)
    async with asyncio.timeout(20):
        while kommo.statuses_of(bad) != [-1]:
            await kommo.manager_says("for Bob", to=OTHERS)
            await asyncio.sleep(0.1)
    await eventually(lambda: kommo.statuses_of(after) == [1])
    (dead,) = await dead_items(known)
    assert "again and again while others are delivered" in dead["reason"]
    telegram.faults.remove(fault)
    await run_command("queue", "retry", config=known.config)
    await eventually(lambda: telegram.texts_to(ANN) == ["after", "bad"])


async def test_a_message_on_which_kommo_fails_is_given_up_early(
    known, telegram, kommo, eventually
):
    """A client's conversation goes on behind it; a person is told, and can try it again."""
    fault = kommo.faults.fail(
        "/v2/origin/custom/*", status=500, times=None, where=lambda call: "bad" in str(call.fields)
    )
    telegram.client_says("bad")
    telegram.client_says("after")
    async with asyncio.timeout(20):
        while "after" not in kommo.texts_in(CONVERSATION):
            telegram.client_says("from Bob", chat_id=BOB)
            await asyncio.sleep(0.1)
    (dead,) = await dead_items(known)
    assert "again and again while others are delivered" in dead["reason"]
    kommo.faults.remove(fault)
    await run_command("queue", "retry", config=known.config)
    await eventually(lambda: sorted(kommo.texts_in(CONVERSATION)) == ["after", "bad", "hi"])


async def test_operators_read_which_item_fails_alone_whose_it_is_and_what_to_do(
    known, telegram, kommo, eventually
):
    """One alert of its own, no other beside it, and its end once the item is given up."""
    telegram.client_says("/start", chat_id=BOSS)
    await eventually(lambda: telegram.texts_to(BOSS))
    telegram.faults.fail(
        "sendMessage", status=500, times=None, where=lambda call: call.fields["text"] == "bad"
    )
    await kommo.manager_says("bad", to=CONVERSATION)
    async with asyncio.timeout(20):
        while len(telegram.texts_to(BOSS)) == 1:
            await kommo.manager_says("for Bob", to=OTHERS)
            await asyncio.sleep(0.1)
    (dead,) = await dead_items(known)
    name = telegram.add_person(ANN).name
    first, why, _todo, commands = telegram.texts_to(BOSS)[1].splitlines()
    assert first.startswith(f"⚠️ A manager's message to {name} was given up after")
    assert dead["id"] in first
    assert "Telegram failed" in why
    assert commands == f"/retry {dead['id']} retries it, /drop {dead['id']} drops it."
    telegram.client_says(f"/drop {dead['id']} yes", chat_id=BOSS)
    await eventually(lambda: "✅ Over: A manager's message" in telegram.texts_to(BOSS)[-1])
    assert len(telegram.texts_to(BOSS)) == 4


async def test_an_outage_makes_nothing_poison(known, telegram, kommo, eventually):
    """While nobody's message gets through, everybody's waits."""
    fault = kommo.faults.fail("/v2/origin/custom/*", status=500, times=None)
    telegram.client_says("one")
    telegram.client_says("two", chat_id=BOB)
    await eventually(lambda: fault.hits >= 16)
    kommo.faults.remove(fault)
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["hi", "one"])
    await eventually(lambda: kommo.texts_in(OTHERS) == ["hi", "two"])
    assert await dead_items(known) == []
