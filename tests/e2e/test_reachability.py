"""Clients who block the bot and come back, and what the manager learns of it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"
BLOCKED = "[The client blocked the bot: messages do not arrive.]"
UNBLOCKED = "[The client unblocked the bot: messages arrive again.]"


@pytest.fixture
async def conversation(bridge, telegram, kommo, eventually):
    """A client has written."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    return CONVERSATION


def last_status(kommo, message_id):
    """Return the last status of a manager's message."""
    (message,) = [m for m in kommo.messages_in(CONVERSATION) if m.id == message_id]
    return message.statuses[-1]


async def test_an_answer_to_a_client_who_blocked_the_bot_fails_at_once(
    conversation, telegram, kommo, eventually
):
    """The manager sees a notice, and the next answer fails with the reason, without a call."""
    telegram.client_blocks(ANN)
    await eventually(lambda: kommo.texts_in(conversation) == ["hi", BLOCKED])
    hanging = telegram.faults.hang("sendMessage", times=None)
    message_id = await kommo.manager_says("hello?", to=conversation)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    status = last_status(kommo, message_id)
    assert (status.error_code, status.error) == (905, "The client has blocked the bot.")
    telegram.faults.remove(hanging)


async def test_a_client_who_comes_back_is_reachable_again(
    conversation, telegram, kommo, eventually
):
    """A notice tells of it, and the next answer arrives."""
    telegram.client_blocks(ANN)
    telegram.client_unblocks(ANN)
    await eventually(lambda: kommo.texts_in(conversation) == ["hi", BLOCKED, UNBLOCKED])
    await kommo.manager_says("welcome back", to=conversation)
    await eventually(lambda: telegram.texts_to(ANN) == ["welcome back"])


async def test_a_block_reads_nothing(conversation, telegram, kommo, eventually):
    """Blocking the bot is no sign that an answer was read."""
    message_id = await kommo.manager_says("hello", to=conversation)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    telegram.client_blocks(ANN)
    await eventually(lambda: BLOCKED in kommo.texts_in(conversation))
    telegram.client_unblocks(ANN)
    telegram.client_says("back")
    await eventually(lambda: kommo.statuses_of(message_id) == [1, 2])


async def test_a_stranger_who_blocks_the_bot_makes_no_conversation(
    bridge, telegram, kommo, eventually
):
    """Somebody who never wrote is no lead."""
    telegram.client_blocks(ANN)
    telegram.client_says("hi", chat_id=556, name="Bob")
    await eventually(lambda: "tg:700001:556" in kommo.conversations)
    assert CONVERSATION not in kommo.conversations


@pytest.fixture
def spanish(config):
    """Settings of an account whose managers read Spanish."""
    text = config.read_text(encoding="utf-8").replace("[kommo]", '[kommo]\nlanguage = "es"')
    config.write_text(text, encoding="utf-8")


async def test_the_manager_reads_it_in_the_language_of_the_settings(
    spanish, conversation, telegram, kommo, eventually
):
    """Notices and reasons are in the language of the people who answer."""
    telegram.client_blocks(ANN)
    notice = "[El cliente bloqueó el bot: los mensajes no llegan.]"
    await eventually(lambda: notice in kommo.texts_in(conversation))
    message_id = await kommo.manager_says("hola", to=conversation)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    assert last_status(kommo, message_id).error == "El cliente ha bloqueado el bot."


async def test_a_block_that_only_a_refusal_told_of_is_remembered(
    conversation, bridge, telegram, kommo, eventually
):
    """The first answer is refused by Telegram; a message of the client makes the next arrive."""
    telegram.faults.fail("sendMessage", status=403)
    first = await kommo.manager_says("one", to=conversation)
    await eventually(lambda: kommo.statuses_of(first) == [-1])
    second = await kommo.manager_says("two", to=conversation)
    await eventually(lambda: kommo.statuses_of(second) == [-1])
    telegram.client_says("here I am")
    await eventually(lambda: "here I am" in kommo.texts_in(conversation))
    await kommo.manager_says("three", to=conversation)
    await eventually(lambda: telegram.texts_to(ANN) == ["three"])


@pytest.fixture
async def refused(conversation, telegram, kommo, eventually):
    """An answer that Telegram refused: the client blocks the bot, and comes back unseen."""
    telegram.faults.fail("sendMessage", status=403)
    message_id = await kommo.manager_says("one", to=conversation)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    return message_id


async def test_a_block_is_not_believed_for_ever(refused, bridge, telegram, kommo, eventually):
    """After a while Telegram is asked again; once it takes an answer, the next ones go as ever."""
    bridge.ahead = timedelta(minutes=11)
    kommo.account.now = lambda: datetime.now(UTC) + bridge.ahead
    await kommo.manager_says("two", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["two"])
    await kommo.manager_says("three", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["two", "three"])


async def test_what_an_operator_tries_again_is_asked_for(
    refused, command, telegram, kommo, eventually
):
    """A retry asks Telegram whatever was believed; its success is told, and believed as well."""
    code, _output, _errors = await command("queue", "retry")
    assert code == 0
    await eventually(lambda: telegram.texts_to(ANN) == ["one"])
    await eventually(lambda: kommo.statuses_of(refused) == [-1, 1])
    await kommo.manager_says("two", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["one", "two"])
    telegram.client_says("thanks")
    await eventually(lambda: kommo.statuses_of(refused) == [-1, 1, 2])


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_kommo_that_takes_no_status_after_an_error_costs_nothing(
    refused, command, config, telegram, kommo, eventually, status
):
    """The retry stands, whatever the manager sees; nobody has to mend anything."""
    fault = kommo.faults.fail("*/delivery_status", status=status, times=None)
    await command("queue", "retry")
    await eventually(lambda: telegram.texts_to(ANN) == ["one"])
    await eventually(lambda: fault.hits >= 1)
    if status != 404:  # that one is believed after minutes only
        async with asyncio.timeout(10):
            while json.loads((await command("queue", "list", "--json"))[1]):  # noqa: ASYNC110 - another program
                await asyncio.sleep(0.1)


async def test_who_comes_back_while_a_refusal_is_on_its_way_is_not_called_blocked(
    conversation, telegram, kommo, eventually
):
    """A message that arrived after the attempt had begun counts for more than its refusal."""
    held = telegram.faults.hang("sendMessage")
    first = await kommo.manager_says("one", to=conversation)
    await eventually(lambda: held.hits == 1)
    telegram.client_says("here I am")
    await eventually(lambda: "here I am" in kommo.texts_in(conversation))
    telegram.peers[ANN].blocked.add(700001)
    held.release()
    await eventually(lambda: kommo.statuses_of(first) == [-1])
    telegram.peers[ANN].blocked.clear()
    await kommo.manager_says("two", to=conversation)
    await eventually(lambda: telegram.texts_to(ANN) == ["two"])
