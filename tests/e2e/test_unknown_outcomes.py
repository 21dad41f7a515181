"""When nobody knows whether a message arrived: one more try, and the truth for the manager."""

import json
import logging

import pytest

from storage.database import Database
from tests.e2e.commands import run_command

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.fixture
async def known(bridge, telegram, kommo, eventually):
    """A client who wrote."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)


def last_status(kommo, message_id):
    """Return what the manager reads of a message."""
    return next(m for m in kommo.messages_in(CONVERSATION) if m.id == message_id).statuses[-1]


@pytest.mark.parametrize("after_processing", [False, True], ids=["before", "after"])
async def test_a_lost_answer_of_telegram_is_followed_by_one_more_try(
    known, telegram, kommo, eventually, caplog, after_processing
):
    """The client gets the message, at the worst twice, and the log says so."""
    telegram.faults.reset("sendMessage", after_processing=after_processing)
    with caplog.at_level(logging.WARNING):
        message_id = await kommo.manager_says("hello", to=CONVERSATION)
        await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert telegram.texts_to(ANN) == ["hello"] * (2 if after_processing else 1)
    assert "a possible duplicate" in caplog.text


async def test_after_two_lost_answers_a_person_decides(known, bridge, telegram, kommo, eventually):
    """Nothing is sent a third time; the manager reads that it may have arrived; others go on."""
    telegram.faults.reset("sendMessage", times=2, after_processing=True)
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    status = last_status(kommo, message_id)
    assert status.error_code == 903
    assert "may have arrived" in status.error
    await kommo.manager_says("later", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "hello", "later"])
    _code, listed, _errors = await run_command("queue", "list", "--json", config=bridge.config)
    (dead,) = [item for item in json.loads(listed) if item["state"] == "dead"]
    assert dead["possible_duplicate"] is True
    _code, listed, _errors = await run_command("queue", "list", config=bridge.config)
    assert "a possible duplicate" in listed


async def test_while_telegram_does_not_answer_nothing_is_sent_again(
    known, telegram, kommo, eventually
):
    """The one more try is kept for when Telegram is well again."""
    telegram.faults.reset("sendMessage")
    down = telegram.faults.reset("getMe", times=None)
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    await eventually(lambda: down.hits >= 1)
    telegram.faults.remove(down)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert telegram.texts_to(ANN) == ["hello"]


async def test_each_part_of_a_message_has_its_own_try(known, telegram, kommo, eventually):
    """A long message whose first part was in doubt is not given up for its second part."""
    telegram.faults.reset("sendMessage", where=lambda call: "first" in call.fields["text"])
    telegram.faults.reset("sendMessage", where=lambda call: "second" in call.fields["text"])
    text = "first " + "x" * 4000 + "\n\nsecond " + "y" * 4000
    message_id = await kommo.manager_says(text, to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert "\n\n".join(telegram.texts_to(ANN)) == text


async def test_an_answer_that_says_ok_but_cannot_be_read_is_success(
    known, bridge, telegram, kommo, eventually
):
    """Nothing is repeated, each part counts, and the message is known when it is quoted."""
    body = {"ok": True, "result": {"message_id": 4711, "date": 1767348000, "chat": "?"}}
    telegram.faults.fail("sendMessage", status=200, body=body, times=2, after_processing=True)
    text = "first " + "x" * 4000 + "\n\nsecond " + "y" * 4000
    message_id = await kommo.manager_says(text, to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert "\n\n".join(telegram.texts_to(ANN)) == text
    async with Database.open(bridge.settings.database) as database, database.snapshot() as found:
        parts = await found.messages.by_kommo_message(message_id)
    assert parts[0].telegram_message_id == 4711


@pytest.mark.parametrize(
    "odd",
    [
        {"date": 10**17, "chat": "?"},
        {"date": 10**30},
        {"date": -(10**15), "chat": "?"},
        {"message_id": 1 << 70},
        {"message_id": 1 << 70, "chat": "?"},
    ],
    ids=str,
)
async def test_an_answer_with_impossible_numbers_is_success(
    known, telegram, kommo, eventually, odd
):
    """Nothing is repeated because of them, and nothing stops: the next answer is delivered."""
    chat = {"id": ANN, "type": "private"}
    body = {"ok": True, "result": {"message_id": 4711, "date": 1767348000, "chat": chat, **odd}}
    telegram.faults.fail("sendMessage", status=200, body=body, after_processing=True)
    answers = [await kommo.manager_says(text, to=CONVERSATION) for text in ("one", "two")]
    await eventually(lambda: [*map(kommo.statuses_of, answers)] == [[1], [1]], within_s=10)
    assert telegram.texts_to(ANN) == ["one", "two"]


@pytest.mark.parametrize("kommo", ["refuse"], indirect=True)
async def test_a_history_that_fails_is_asked_again(known, telegram, kommo, eventually):
    """Before Kommo's history has said whether it arrived, nothing is called dead."""
    kommo.faults.reset("/v2/origin/custom/*", after_processing=True)
    failing = kommo.faults.fail("*/history", status=500, times=2)
    telegram.client_says("once")
    await eventually(lambda: failing.hits == 2)
    telegram.client_says("after")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["hi", "once", "after"])
