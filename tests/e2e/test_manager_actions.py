"""What a manager does without writing: reacting to a message, typing."""

import logging
import time

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.fixture
async def question(bridge, telegram, kommo, eventually):
    """Telegram's id of a client's message that is in Kommo."""
    message_id = telegram.client_says("Do you deliver?")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Do you deliver?"])
    return message_id


@pytest.fixture
def shown(telegram):
    """Return the bot's reactions, by Telegram's message id."""
    return lambda: telegram.chat(700001, ANN).reactions


def typing(kommo, expired_at):
    """Return the hook of a typing that ends at a moment."""
    conversation = {"id": kommo.conversations[CONVERSATION].id, "client_id": CONVERSATION}
    told = {"user": {"id": "u"}, "conversation": conversation, "expired_at": expired_at}
    return {"account_id": "a", "time": 1767348055, "action": {"typing": told}}


@pytest.mark.parametrize("is_old_form", [False, True], ids=["newer", "older"])
async def test_a_reaction_to_the_client_is_shown_and_taken_back(
    question, kommo, shown, eventually, is_old_form
):
    """A manager's emoji stands at the client's message until it is taken back."""
    external_id = f"{CONVERSATION}:{question}"
    await kommo.manager_reacts(external_id, "❤️", old_form=is_old_form)
    await eventually(lambda: shown() == {question: "❤"})
    await kommo.manager_reacts(external_id, None, old_form=is_old_form)
    await eventually(lambda: shown() == {question: None})


async def test_a_reaction_to_a_managers_own_message_is_shown(
    question, telegram, kommo, shown, eventually
):
    """A message that took several calls is reacted to at its beginning."""
    message_id = await kommo.manager_says("We do. " * 900, to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    await kommo.manager_reacts(message_id, "👍🏽")
    await eventually(lambda: shown() == {telegram.sent_to(ANN)[0].message_id: "👍"})


async def test_an_emoji_without_a_match_is_a_notice_in_the_log(
    question, telegram, kommo, shown, eventually, caplog
):
    """What Telegram cannot show is logged, and holds nothing up."""
    with caplog.at_level(logging.WARNING, logger="bot.deliver.telegram.reactions"):
        await kommo.manager_reacts(f"{CONVERSATION}:{question}", "🇲🇽")
        message_id = await kommo.manager_says("Yes", to=CONVERSATION)
        await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert "no match" in caplog.text
    assert shown() == {}


async def test_a_reaction_that_telegram_refuses_is_given_up(
    question, telegram, kommo, shown, eventually, caplog
):
    """A message that is gone cannot be reacted to; the chat goes on."""
    del telegram.chat(700001, ANN).messages[question]
    with caplog.at_level(logging.WARNING, logger="bot.deliver.telegram.reactions"):
        await kommo.manager_reacts(f"{CONVERSATION}:{question}", "👍")
        message_id = await kommo.manager_says("Yes", to=CONVERSATION)
        await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert "message to react not found" in caplog.text
    assert shown() == {}


async def test_typing_is_shown(question, telegram, kommo, eventually):
    """The client sees that the manager types."""
    await kommo.manager_types(to=CONVERSATION)
    await eventually(lambda: telegram.chat_actions == [(ANN, "typing")])


async def test_typing_lasts_as_long_as_kommo_says(question, telegram, kommo, eventually):
    """A longer typing is repeated while it lasts, and several hooks are one typing."""
    await kommo.manager_types(to=CONVERSATION)
    for _ in range(2):
        await kommo.post_hook(typing(kommo, int(time.time()) + 8))
    await eventually(lambda: telegram.chat_actions == [(ANN, "typing")] * 2)


@pytest.mark.parametrize(
    "expired_at", [pytest.param(1767348060, id="over"), pytest.param("soon", id="nonsense")]
)
async def test_typing_that_fails_or_is_over_holds_nothing_up(
    question, telegram, kommo, eventually, expired_at
):
    """Typing never waits, never blocks: the message behind it arrives."""
    telegram.faults.hang("sendChatAction", times=None)
    assert (await kommo.post_hook(typing(kommo, expired_at))).status == 200
    message_id = await kommo.manager_says("Yes", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert telegram.chat_actions == []


async def test_typing_after_a_refusal_is_shown_again(question, telegram, kommo, eventually):
    """One refused typing does not end typing for good."""
    telegram.faults.fail("sendChatAction", status=403)
    await kommo.manager_types(to=CONVERSATION)
    await eventually(lambda: not list(telegram.faults))
    await kommo.manager_types(to=CONVERSATION)
    await eventually(lambda: telegram.chat_actions == [(ANN, "typing")])
