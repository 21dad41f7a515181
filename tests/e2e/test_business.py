"""The owner's own account: both sides of its chats in Kommo, answers through it, and its end."""

import asyncio

import pytest

from tests.e2e.commands import run_command

ANN, BOSS = 555, 999
CHANNEL_BOT = "77777777-8888-4999-8aaa-bbbbbbbbbbbb"
CONVERSATION = "tg:700001.999:555"
WITH_BOT = "tg:700001:555"


@pytest.fixture
def config(config, kommo):
    """The settings, which name the channel's bot."""
    text = config.read_text("utf-8").replace(
        "[kommo]\n", f'[kommo]\nchannel_bot_id = "{kommo.account.channel_bot.id}"\n'
    )
    config.write_text(text, encoding="utf-8")
    return config


@pytest.fixture
async def connection(bridge, telegram, eventually):
    """The owner's account, connected."""
    await eventually(lambda: telegram.bot(None).kinds)
    return telegram.owner_connects(BOSS, name="Olga")


def texts(kommo, conversation=CONVERSATION):
    """Return the texts of a conversation with whether the client wrote them."""
    return [(m.text, m.is_incoming) for m in kommo.messages_in(conversation)]


async def test_a_client_is_heard_and_answered_through_the_owners_account(
    bridge, telegram, kommo, eventually, connection
):
    """A conversation of its own; the answer carries the connection."""
    telegram.client_says("Hello", chat_id=ANN, name="Ann", connection=connection)
    await eventually(lambda: texts(kommo) == [("Hello", True)])
    answer = await kommo.manager_says("Good day", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    [sent] = telegram.sent
    assert (sent.chat_id, sent.text) == (ANN, "Good day")
    assert sent.parameters["business_connection_id"] == connection
    await asyncio.sleep(0.3)
    assert texts(kommo) == [("Hello", True), ("Good day", False)]


async def test_the_owners_words_are_shown_once_and_in_order(
    bridge, telegram, kommo, eventually, connection
):
    """As written by the channel's bot, to the client, never sent back."""
    telegram.client_says("Hello", chat_id=ANN, name="Ann", connection=connection)
    telegram.owner_says("I am on my way", connection=connection, to=ANN)
    telegram.client_says("Fine", chat_id=ANN, connection=connection)
    wanted = [("Hello", True), ("I am on my way", False), ("Fine", True)]
    await eventually(lambda: texts(kommo) == wanted)
    [_, owners, _] = kommo.messages_in(CONVERSATION)
    assert owners.sender is kommo.account.channel_bot
    assert owners.receiver.client_id == "tg:555"
    assert telegram.sent == []


async def test_a_chat_that_the_owner_begins_is_a_conversation(
    bridge, telegram, kommo, eventually, connection
):
    """Kommo shows it with the client's name, and answers find it."""
    telegram.client_says("Hi", chat_id=ANN, name="Ann")  # who she is, in another chat
    telegram.owner_says("Dear Ann", connection=connection, to=ANN)
    await eventually(lambda: texts(kommo) == [("Dear Ann", False)])
    telegram.client_says("Yes?", chat_id=ANN, connection=connection)
    await eventually(lambda: len(texts(kommo)) == 2)


async def test_the_same_persons_chat_with_the_bot_is_another_one(
    bridge, telegram, kommo, eventually, connection
):
    """What is said in the one is never shown in the other."""
    telegram.client_says("to the owner", chat_id=ANN, name="Ann", connection=connection)
    telegram.client_says("to the bot", chat_id=ANN, name="Ann")
    await eventually(lambda: len(kommo.received) == 2)
    for conversation, text in ((CONVERSATION, "as owner"), (WITH_BOT, "as bot")):
        answer = await kommo.manager_says(text, to=conversation)
        await eventually(lambda answer=answer: kommo.statuses_of(answer) == [1])
    sent = {s.text: s.parameters.get("business_connection_id") for s in telegram.sent}
    assert sent == {"as owner": connection, "as bot": None}
    assert texts(kommo, WITH_BOT) == [("to the bot", True), ("as bot", False)]
    assert texts(kommo) == [("to the owner", True), ("as owner", False)]


async def test_edits_by_either_side(bridge, telegram, kommo, eventually, connection):
    """The client's, the owner's own, and of what a manager wrote."""
    mine = telegram.client_says("Helo", chat_id=ANN, name="Ann", connection=connection)
    owners = telegram.owner_says("Wellcome", connection=connection, to=ANN)
    await eventually(lambda: len(texts(kommo)) == 2)
    answer = await kommo.manager_says("At tree", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    managers = telegram.sent[-1].message_id
    for message_id, text in ((mine, "Hello"), (owners, "Welcome"), (managers, "At three")):
        telegram.client_edits(message_id, text, chat_id=ANN, connection=connection)
    wanted = [("Hello", True), ("Welcome", False), ("At three", False)]
    await eventually(lambda: texts(kommo) == wanted)


async def test_deletions(bridge, telegram, kommo, eventually, connection):
    """A note that quotes; of a manager's message also 901, whatever was told of it before."""
    mine = telegram.client_says("secret", chat_id=ANN, name="Ann", connection=connection)
    await eventually(lambda: texts(kommo))
    answer = await kommo.manager_says("Really?", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    telegram.client_deletes(mine, chat_id=ANN, connection=connection)
    await eventually(lambda: len(texts(kommo)) == 3)
    note = kommo.messages_in(CONVERSATION)[-1]
    assert "deleted" in note.text
    assert note.is_silent
    assert note.reply_to is not None
    telegram.client_deletes(telegram.sent[-1].message_id, chat_id=ANN, connection=connection)
    await eventually(lambda: kommo.statuses_of(answer)[-1] == -1)
    assert kommo.manager.message(answer).statuses[-1].error_code == 901
    telegram.client_says("What?", chat_id=ANN, connection=connection)
    await eventually(lambda: texts(kommo)[-1] == ("What?", True))
    assert kommo.statuses_of(answer) == [1, -1]


async def test_a_connection_that_ends_and_comes_back(
    bridge, telegram, kommo, eventually, connection
):
    """Answers fail with 902 and what to do; with a new connection the conversation goes on."""
    telegram.client_says("Hello", chat_id=ANN, name="Ann", connection=connection)
    await eventually(lambda: texts(kommo))
    telegram.owner_disconnects(connection)
    await asyncio.sleep(0.3)
    first = await kommo.manager_says("Lost", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(first) == [-1])
    [status] = kommo.manager.message(first).statuses
    assert status.error_code == 902
    assert "its owner can" in status.error
    again = telegram.owner_connects(BOSS, name="Olga")
    assert again != connection
    telegram.client_says("Are you back?", chat_id=ANN, connection=again)
    await eventually(lambda: texts(kommo)[-1] == ("Are you back?", True))
    second = await kommo.manager_says("Yes", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert telegram.sent[-1].parameters["business_connection_id"] == again


async def test_without_the_right_to_reply_an_answer_fails(
    bridge, telegram, kommo, eventually, connection
):
    """Also when the right is taken later; the text says what the owner can do."""
    telegram.client_says("Hello", chat_id=ANN, name="Ann", connection=connection)
    await eventually(lambda: texts(kommo))
    telegram.owner_changes_rights(connection, can_reply=False)
    await asyncio.sleep(0.3)
    answer = await kommo.manager_says("No", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [-1])
    [status] = kommo.manager.message(answer).statuses
    assert (status.error_code, "does not let the bot reply" in status.error) == (902, True)
    telegram.owner_changes_rights(connection, can_reply=True)
    await asyncio.sleep(0.3)
    second = await kommo.manager_says("Yes", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(second) == [1])


async def test_a_connection_that_is_not_known_is_asked_for(
    bridge, telegram, kommo, eventually, connection
):
    """As after a database was lost: Telegram says whose it is."""
    telegram.client_says("Hello", chat_id=ANN, name="Ann", connection=connection)
    await eventually(lambda: texts(kommo))
    await bridge.stop()
    bridge.settings.database.unlink()
    await bridge.start()
    telegram.client_says("Again", chat_id=ANN, connection=connection)
    await eventually(lambda: ("Again", True) in texts(kommo))


async def test_a_press_in_an_owners_account(bridge, telegram, kommo, eventually, connection):
    """It is the client's word in that conversation, and its choice is shown there."""
    telegram.client_says("Hello", chat_id=ANN, name="Ann", connection=connection)
    await eventually(lambda: texts(kommo))
    buttons = {"mode": "inline", "buttons": [[{"text": "Yes"}]]}
    answer = await kommo.manager_says("Shall we?", to=CONVERSATION, markup=buttons)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    telegram.client_presses(
        telegram.sent[-1].message_id, "Yes", chat_id=ANN, connection=connection
    )
    await eventually(lambda: texts(kommo)[-1] == ("Yes", True))
    chat = telegram.chat(700001, ANN, BOSS)
    await eventually(
        lambda: (
            "✔"
            in chat.messages[telegram.sent[-1].message_id]["reply_markup"]["inline_keyboard"][0][
                0
            ]["text"]
        )
    )


async def test_typing_is_shown_in_the_owners_account(
    bridge, telegram, kommo, eventually, connection
):
    """Through the connection."""
    telegram.client_says("Hello", chat_id=ANN, name="Ann", connection=connection)
    await eventually(lambda: texts(kommo))
    await kommo.manager_types(to=CONVERSATION)
    await eventually(lambda: telegram.chat_actions)
    assert telegram.chat_actions == [(ANN, "typing")]


async def test_forget_trace_and_history(bridge, telegram, kommo, eventually, connection):
    """A business conversation is named by its id, like any other."""
    mine = telegram.client_says("Hello", chat_id=ANN, name="Ann", connection=connection)
    telegram.client_says("to the bot", chat_id=ANN, name="Ann")
    await eventually(lambda: len(kommo.received) == 2)
    for words in (("trace", f"{CONVERSATION}:{mine}"), ("history", CONVERSATION)):
        code, output, _ = await run_command(*words, config=bridge.config)
        assert code == 0
        assert output
    code, output, _ = await run_command(
        "forget", "--chat", CONVERSATION, "--yes", config=bridge.config
    )
    assert (code, CONVERSATION in output, WITH_BOT in output) == (0, True, False)
