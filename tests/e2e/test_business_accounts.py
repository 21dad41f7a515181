"""Business accounts: several of them, rights that end, deletions; see also test_business."""

import asyncio

import pytest

from tests.e2e.content import status_of
from tests.e2e.people import Client

OWNER, ANN = 900, 555
BOT, CHAT = f"tg:700001:{ANN}", f"tg:700001.{OWNER}:{ANN}"
CHANNEL_BOT = "44444444-5555-4666-8777-888888888888"
USER = "33333333-4444-4555-8666-777777777777"


@pytest.fixture
def more():
    """Return what the settings say beside the usual."""
    return f'channel_bot_id = "{CHANNEL_BOT}"'


@pytest.fixture
def config(config, more):
    """Settings with a channel's bot, who speaks for owners."""
    text = config.read_text("utf-8")
    config.write_text(text.replace("[kommo]", f"[kommo]\n{more}"), "utf-8")
    return config


@pytest.fixture
def connection(bridge, telegram):
    """Olga has connected the bot to her account."""
    return telegram.owner_connects(OWNER, name="Olga")


@pytest.fixture
def ann(telegram, kommo, eventually):
    """A client, as Olga's account knows her."""
    client = Client(telegram, kommo, eventually, ANN)
    client.conversation = CHAT
    return client


@pytest.fixture
async def chat(connection, ann):
    """Ann has written to Olga; returns Telegram's message id."""
    return await ann.says("Hello, Olga", connection=connection, name="Zoë")


@pytest.mark.parametrize("more", [pytest.param("", id="no-channel-bot")])
async def test_without_the_channels_bot_the_owner_is_left_out(
    chat, connection, ann, telegram, kommo, eventually
):
    """Nobody is there who could say it; the client's words cross all the same."""
    telegram.owner_says("Hello, Ann", connection=connection)
    await ann.says("Anybody?", connection=connection)
    await eventually(lambda: kommo.texts_in(CHAT) == ["Hello, Olga", "Anybody?"])


async def test_a_mapped_owner_speaks_as_the_kommo_user(
    bridge, config, telegram, kommo, eventually
):
    """Whoever the settings name for the owner is who wrote it."""
    user = kommo.account.users[0]
    config.write_text(f'{config.read_text("utf-8")}\n[import.managers]\n{OWNER} = "{user.id}"\n')
    await bridge.restart()
    connection = telegram.owner_connects(OWNER, name="Olga")
    telegram.owner_says("It is me", connection=connection)
    await eventually(lambda: kommo.texts_in(CHAT) == ["It is me"])
    [message] = kommo.messages_in(CHAT)
    assert message.sender.id == user.id


async def test_deletions_are_noted_and_fail_a_managers_message(
    chat, connection, ann, manager, telegram, kommo, eventually
):
    """The manager reads which message is gone; his own has failed with 901."""
    answer = await manager.answers(ann, "Welcome")
    await answer.is_delivered()
    sent = telegram.sent_to(ANN)[-1].message_id
    telegram.client_deletes(chat, connection=connection)
    telegram.client_deletes(sent, connection=connection)
    await answer.has_statuses(1, -1)
    assert status_of(kommo, answer.id)[1] == 901
    note = "[This message was deleted in Telegram.]"
    await eventually(lambda: kommo.texts_in(CHAT)[2:] == [note, note])
    assert [one.msgid.split(":notice:")[0] for one in kommo.messages_in(CHAT)[2:]] == [CHAT] * 2
    assert len(kommo.leads) == 1


async def test_several_messages_that_go_at_once_are_one_note(
    chat, connection, ann, telegram, kommo, eventually
):
    """A cleared chat is not a hundred notes."""
    second = await ann.says("Are you there?", connection=connection)
    await eventually(lambda: len(kommo.messages_in(CHAT)) == 2)
    telegram.client_deletes(chat, second, connection=connection)
    await eventually(
        lambda: kommo.texts_in(CHAT)[2:] == ["[Messages were deleted in Telegram: 2.]"]
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param("owner_disconnects", "not connected", id="ended"),
        pytest.param("no_rights", "does not let the bot reply", id="no-right"),
        pytest.param("removed", "not connected", id="removed-without-a-word"),
        pytest.param("silent", "not connected", id="refused-without-a-word"),
    ],
)
async def test_without_the_account_answers_fail_and_go_on_when_it_is_back(
    chat, connection, ann, manager, telegram, kommo, eventually, change, words
):
    """902 says what the owner can do; a new connection is the same conversation."""
    made = telegram.connections[connection]
    if change == "no_rights":
        telegram.owner_changes_rights(connection, can_reply=False)
    elif change == "removed":
        del telegram.connections[connection]
    elif change == "silent":
        made.is_enabled = False
    else:
        telegram.owner_disconnects(connection)
    await eventually(lambda: not telegram.pending_updates())
    await asyncio.sleep(0.1)
    answer = await manager.answers(ann, "Anybody?")
    await answer.has_statuses(-1)
    code, error_code, error = status_of(kommo, answer.id)
    assert (code, error_code, words in error) == (-1, 902, True)
    again = telegram.owner_connects(OWNER, name="Olga")
    telegram.client_says("I am back", connection=again)
    await eventually(lambda: kommo.texts_in(CHAT)[-1] == "I am back")
    second = await manager.answers(ann, "So are we")
    await second.is_delivered()
    assert telegram.calls("sendMessage")[-1].text("business_connection_id") == again


async def test_two_accounts_of_one_bot_are_two(chat, connection, telegram, kommo, eventually):
    """The same client in both: each answer goes through its own."""
    other = telegram.owner_connects(901, name="Oleg")
    telegram.client_says("Hello, Oleg", connection=other)
    theirs = f"tg:700001.901:{ANN}"
    await eventually(lambda: kommo.texts_in(theirs) == ["Hello, Oleg"])
    for conversation, made in ((theirs, other), (CHAT, connection)):
        sent = await kommo.manager_says("Hi", to=conversation)
        await eventually(lambda sent=sent: kommo.statuses_of(sent) == [1])
        assert telegram.calls("sendMessage")[-1].text("business_connection_id") == made


async def test_buttons_are_inline_whatever_the_settings_say(
    chat, config, connection, ann, telegram, kommo, eventually
):
    """A press is the client's word, and is marked through the connection."""
    markup = {"mode": "inline", "buttons": [[{"text": "Yes"}, {"text": "No"}]]}
    sent = await kommo.manager_sends(to=CHAT, text="Deliver?", markup=markup)
    await eventually(lambda: kommo.statuses_of(sent) == [1])
    shown = telegram.sent_to(ANN)[-1]
    assert [b["text"] for b in shown.reply_markup["inline_keyboard"][0]] == ["Yes", "No"]
    telegram.client_presses(shown.message_id, "Yes", connection=connection)
    await eventually(lambda: kommo.texts_in(CHAT)[-1] == "Yes")
    await eventually(lambda: telegram.calls("editMessageReplyMarkup"))
    marked = telegram.calls("editMessageReplyMarkup")[-1]
    assert marked.text("business_connection_id") == connection


async def test_a_message_that_is_deleted_before_it_is_recorded_has_failed(
    chat, connection, ann, manager, telegram, kommo, eventually
):
    """The notice of the deletion comes while Telegram's answer is under way."""
    await eventually(lambda: kommo.texts_in(CHAT) == ["Hello, Olga"])
    held = telegram.faults.hang("sendMessage", after_processing=True)
    answer = await manager.answers(ann, "Oops")
    await eventually(lambda: telegram.sent_to(ANN))
    telegram.client_deletes(telegram.sent_to(ANN)[0].message_id, connection=connection)
    await eventually(lambda: not telegram.pending_updates())
    held.release()
    await answer.has_statuses(-1)
    assert status_of(kommo, answer.id)[1] == 901


async def test_the_owners_notes_to_himself_are_nobodys(
    chat, connection, ann, telegram, kommo, eventually
):
    """A chat of the account with itself is no client's."""
    telegram.owner_says("Buy milk", connection=connection, to=OWNER)
    await ann.says("Hello?", connection=connection)
    await eventually(lambda: kommo.texts_in(CHAT) == ["Hello, Olga", "Hello?"])
    assert list(kommo.conversations) == [CHAT]


async def test_a_webhook_about_what_a_mapped_owner_wrote_is_no_answer(
    bridge, config, telegram, kommo, eventually
):
    """Should Kommo post one, the client does not get the message a second time."""
    user = kommo.account.users[0]
    text = config.read_text("utf-8")
    config.write_text(f'{text}\n[import.managers]\n{OWNER} = "{user.id}"\n', "utf-8")
    await bridge.restart()
    connection = telegram.owner_connects(OWNER, name="Olga")
    telegram.client_says("Hi", connection=connection)
    telegram.owner_says("It is me", connection=connection)
    await eventually(lambda: len(kommo.messages_in(CHAT)) == 2)
    owners = kommo.messages_in(CHAT)[1]
    await kommo.manager.tells_late(owners.id)
    second = await kommo.manager_says("Anything else?", to=CHAT)
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert telegram.texts_to(ANN) == ["Anything else?"]


async def test_what_a_mapped_owner_wrote_is_no_missed_answer(
    bridge, config, telegram, kommo, eventually
):
    """Kommo's history has it as that user's: it is not read back to the client."""
    user = kommo.account.users[0]
    text = config.read_text("utf-8")
    config.write_text(f'{text}\n[import.managers]\n{OWNER} = "{user.id}"\n', "utf-8")
    await bridge.restart()
    connection = telegram.owner_connects(OWNER, name="Olga")
    telegram.client_says("Hi", connection=connection)
    telegram.owner_says("It is me", connection=connection)
    await eventually(lambda: kommo.texts_in(CHAT) == ["Hi", "It is me"])
    await bridge.stop()
    telegram.owner_says("Me again", connection=connection)
    missed = await kommo.manager_says("missed", to=CHAT)
    await bridge.start()
    await eventually(lambda: kommo.statuses_of(missed) == [1])
    await eventually(lambda: "Me again" in kommo.texts_in(CHAT))
    await bridge.restart()
    last = await kommo.manager_says("and now", to=CHAT)
    await eventually(lambda: kommo.statuses_of(last) == [1])
    assert telegram.texts_to(ANN) == ["missed", "and now"]
    assert kommo.texts_in(CHAT).count("Me again") == 1


async def test_answers_whose_webhooks_were_missed_go_out_through_the_account(
    chat, connection, ann, manager, bridge, telegram, kommo, eventually
):
    """They are read back in order, once; what the owner wrote himself is none of them."""
    await (await manager.answers(ann, "Welcome")).is_delivered()
    telegram.owner_says("Back soon", connection=connection)
    await eventually(lambda: kommo.texts_in(CHAT)[-1] == "Back soon")
    await bridge.stop()
    telegram.owner_says("Written meanwhile", connection=connection)
    missed = [await kommo.manager_says(f"missed {n}", to=CHAT) for n in range(3)]
    await bridge.start()
    await eventually(lambda: [kommo.statuses_of(one) for one in missed] == [[1]] * 3)
    last = await kommo.manager_says("and now", to=CHAT)
    await eventually(lambda: kommo.statuses_of(last) == [1])
    sent = telegram.calls("sendMessage")
    texts = ["Welcome", "missed 0", "missed 1", "missed 2", "and now"]
    assert [call.text("text") for call in sent] == texts
    assert {call.text("business_connection_id") for call in sent} == {connection}
    assert kommo.texts_in(CHAT).count("Written meanwhile") == 1


async def test_an_outage_of_telegram_delays_both_kinds_of_chat(
    chat, connection, ann, manager, telegram, kommo, eventually
):
    """Nothing is lost or told twice, and each chat keeps its order."""
    telegram.client_says("Hello, bot")
    await eventually(lambda: kommo.texts_in(BOT) == ["Hello, bot"])
    telegram.is_down = True
    answers = [await kommo.manager_says(f"{n}", to=to) for n in range(3) for to in (CHAT, BOT)]
    telegram.is_down = False
    await eventually(lambda: [kommo.statuses_of(one) for one in answers] == [[1]] * 6)
    through = [
        (message.parameters.get("business_connection_id"), message.text)
        for message in telegram.sent_to(ANN)
    ]
    assert [text for made, text in through if made == connection] == ["0", "1", "2"]
    assert [text for made, text in through if not made] == ["0", "1", "2"]


async def test_who_writes_first_reaches_the_bots_own_chat(
    chat, connection, telegram, kommo, eventually
):
    """The client told the number in both chats, and wrote to the account last."""
    telegram.client_shares_phone("14155550123")
    await eventually(lambda: BOT in kommo.conversations)
    telegram.client_shares_phone("14155550123", connection=connection)
    await eventually(lambda: len(kommo.messages_in(CHAT)) == 2)
    message = await kommo.write_first("+14155550123", "Hello Ann")
    await eventually(lambda: kommo.statuses_of(message) == [1])
    [call] = telegram.calls("sendMessage")
    assert call.text("business_connection_id") == ""
