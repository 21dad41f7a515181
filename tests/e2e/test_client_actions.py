"""What a client does without writing: pressing a button, reacting to a message."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from storage.buttons import Button
from storage.database import Database

ANN = 555
CONVERSATION = "tg:700001:555"
KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "b:one"}], [
    {"text": "No", "callback_data": "b:two"}]]}  # fmt: skip


@pytest.fixture
async def question(bridge, telegram, kommo, eventually, ann):
    """A manager's message with buttons that Ann has; returns its ids in Kommo and Telegram."""
    await ann.says("Hi")
    kommo_id = await kommo.manager_says("Shall we?", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(kommo_id) == [1])
    return kommo_id, telegram.sent_to(ANN)[0].message_id


async def remember(bridge, button_id, text, callback_data=None):
    """Store a button, as it is stored when it is sent."""
    button = Button(button_id, CONVERSATION, text, datetime.now(UTC), callback_data)
    async with Database.open(bridge.settings.database) as database, database.transaction() as tx:
        await tx.buttons.remember([button])


def press(telegram, message_id, data, *, is_accessible=True, chat=None, **more):
    """Let Ann press the button that carries the data; without an id, no message is told of."""
    callback_id = f"press{telegram.number()}"
    telegram.callbacks[callback_id] = None
    chat = chat or telegram.peers[ANN].chat()
    message = {"message_id": message_id, "chat": chat, "date": 0}
    if is_accessible:
        message |= {"date": 1767348000, "reply_markup": KEYBOARD, "text": "Shall we?"}
    telegram.push(
        {
            "callback_query": {
                "id": callback_id,
                "from": telegram.peers[ANN].user(),
                "chat_instance": "1",
                "data": data,
                "message": message if message_id is not None else None,
            }
            | more
        }
    )
    return callback_id


def buttons_of(telegram, message_id):
    """Return what the buttons under a message say now."""
    seen = next(one for one in telegram.seen_by(ANN) if one["message_id"] == message_id)
    keyboard = seen.get("reply_markup") or {"inline_keyboard": []}
    return [button["text"] for row in keyboard["inline_keyboard"] for button in row]


async def test_a_press_says_the_buttons_text_and_shows_the_choice(
    bridge, telegram, kommo, eventually, question
):
    """Kommo gets the text as the client's message; the client sees which button it was."""
    _kommo_id, message_id = question
    await remember(bridge, "one", "Yes")
    callback_id = press(telegram, message_id, "b:one")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Yes")
    assert kommo.received[-1].sender.client_id == "tg:555"
    await eventually(lambda: buttons_of(telegram, message_id) == ["✔️ Yes", "No"])
    await eventually(lambda: telegram.callbacks[callback_id] == "✔️ Yes")


async def test_another_press_moves_the_mark(bridge, telegram, kommo, eventually, question):
    """Each press is a message; only the last choice is marked."""
    _kommo_id, message_id = question
    press(telegram, message_id, "b:one")
    await eventually(lambda: buttons_of(telegram, message_id) == ["✔️ Yes", "No"])
    press(telegram, message_id, "b:two")
    await eventually(lambda: buttons_of(telegram, message_id) == ["Yes", "✔️ No"])
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-2:] == ["Yes", "No"])


async def test_a_real_button_can_be_pressed_again_after_a_restart(
    bridge, telegram, kommo, eventually, question
):
    """A button that a manager sent says the same before and after, whatever mark it carries."""
    buttons = {"mode": "inline", "buttons": [[{"text": "Yes"}, {"text": "No"}]]}
    kommo_id = await kommo.manager_sends(text="Sure?", markup=buttons, to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(kommo_id) == [1])
    message_id = telegram.sent_to(ANN)[-1].message_id
    telegram.client_presses(message_id, "Yes")
    await eventually(lambda: buttons_of(telegram, message_id) == ["✔️ Yes", "No"])
    await bridge.restart()
    telegram.client_presses(message_id, "✔️ Yes")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-2:] == ["Yes", "Yes"])


async def test_a_chosen_row_repeats_its_callback_data(
    bridge, telegram, kommo, eventually, question
):
    """The answer to a list message carries the row's data, for which Kommo's bot waits."""
    await remember(bridge, "one", "Morning", "slot-1")
    press(telegram, question[1], "b:one")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Morning")
    assert kommo.received[-1].content["callback_data"] == "slot-1"


async def test_an_old_button_works_after_a_restart(bridge, telegram, kommo, eventually, question):
    """Telegram does not show old messages with a press: what the button said is stored."""
    await remember(bridge, "one", "Yes")
    await bridge.restart()
    callback_id = press(telegram, question[1], "b:one", is_accessible=False)
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Yes")
    await eventually(lambda: telegram.callbacks[callback_id] == "✔️ Yes")


async def test_a_press_of_which_telegram_shows_no_message_is_answered(
    bridge, telegram, kommo, eventually, question
):
    """Of a message that is too old, Telegram may tell not even the id."""
    await remember(bridge, "one", "Yes")
    callback_id = press(telegram, None, "b:one")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Yes")
    await eventually(lambda: telegram.callbacks[callback_id] == "✔️ Yes")


async def test_a_button_that_nobody_knows_is_told_all_the_same(
    bridge, telegram, kommo, eventually, question
):
    """Even then the client's clock stops, and the manager reads that something was pressed."""
    callback_id = press(telegram, question[1], "from-another-bot", is_accessible=False)
    await eventually(lambda: "no longer known" in kommo.texts_in(CONVERSATION)[-1])
    await eventually(lambda: telegram.callbacks[callback_id] == "")


async def test_a_press_that_is_too_old_to_be_answered_is_still_a_message(
    bridge, telegram, kommo, eventually, question
):
    """Telegram refuses late answers; that is no reason to repeat or lose anything."""
    telegram.faults.fail("answerCallbackQuery", status=400)
    press(telegram, question[1], "b:two")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "No")
    await eventually(lambda: buttons_of(telegram, question[1]) == ["Yes", "✔️ No"])
    assert len(telegram.calls("answerCallbackQuery")) <= 1


async def test_a_press_marks_what_was_delivered_as_read(
    bridge, telegram, kommo, eventually, question
):
    """Who presses a button has read the message."""
    press(telegram, question[1], "b:one")
    await eventually(lambda: kommo.statuses_of(question[0]) == [1, 2])


async def test_a_press_that_the_app_sends_again_is_said_once(
    bridge, telegram, kommo, eventually, question
):
    """One press, two queries: the client said it once, and neither query is left waiting."""
    _kommo_id, message_id = question
    ids = [press(telegram, message_id, "b:one"), press(telegram, message_id, "b:one")]
    await eventually(lambda: all(telegram.callbacks[one] == "✔️ Yes" for one in ids))
    ids += [press(telegram, message_id, "b:one"), press(telegram, message_id, "b:two")]
    await eventually(lambda: None not in [telegram.callbacks[one] for one in ids])
    telegram.client_says("Done")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Done")
    assert kommo.texts_in(CONVERSATION)[2:] == ["Yes", "No", "Done"]


async def test_the_same_button_counts_again_later_and_after_another(
    bridge, telegram, kommo, eventually, question
):
    """To and fro, or a minute later: whoever presses again means it."""
    _kommo_id, message_id = question
    for data in ("b:one", "b:two", "b:one"):
        press(telegram, message_id, data)
    await eventually(lambda: kommo.texts_in(CONVERSATION)[2:] == ["Yes", "No", "Yes"])
    bridge.ahead = timedelta(seconds=61)
    press(telegram, message_id, "b:one")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[2:] == ["Yes", "No", "Yes", "Yes"])


async def test_a_press_of_another_conversations_button_is_not_said(
    bridge, telegram, kommo, eventually, question
):
    """What a button says is said by the client whom it was shown to; the query is answered."""
    button = Button("one", "tg:700001:777", "Yes", datetime.now(UTC), "secret-of-777")
    async with Database.open(bridge.settings.database) as database, database.transaction() as tx:
        await tx.buttons.remember([button])
    callback_id = press(telegram, question[1], "b:one")
    await eventually(lambda: telegram.callbacks[callback_id] == "")
    telegram.client_says("Done")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Done")
    assert kommo.texts_in(CONVERSATION) == ["Hi", "Shall we?", "Done"]


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"message_id": None, "inline_message_id": "AAA"}, id="in-inline-mode"),
        pytest.param({"message_id": 9, "chat": {"id": -5, "type": "group"}}, id="in-a-group"),
        pytest.param({"message_id": 9, "chat": {"id": -5, "type": "channel"}}, id="in-a-channel"),
        pytest.param(
            {"message_id": 9, "chat": {"id": -5, "type": "group"}, "is_accessible": False},
            id="in-a-group-long-ago",
        ),
        pytest.param({"message_id": None, "game_short_name": "x", "data": None}, id="of-a-game"),
    ],
)
async def test_a_press_elsewhere_is_answered_and_makes_no_lead(
    bridge, telegram, kommo, eventually, how
):
    """A stranger under an inline-mode message, or a group: nobody to write to."""
    telegram.add_person(ANN)
    how = {"data": "b:one", **how}
    callback_id = press(telegram, **how)
    await eventually(lambda: telegram.callbacks[callback_id] == "")
    telegram.client_says("Hi", chat_id=777)
    await eventually(lambda: "tg:700001:777" in kommo.conversations)
    assert list(kommo.conversations) == ["tg:700001:777"]
    async with (
        Database.open(bridge.settings.database) as database,
        database.snapshot() as snapshot,
    ):
        assert await snapshot.conversations.get(CONVERSATION) is None


async def status_of(bridge, kommo_id):
    """Return the status that the bridge knows of an answer."""
    async with (
        Database.open(bridge.settings.database) as database,
        database.snapshot() as snapshot,
    ):
        return await snapshot.messages.status_of(kommo_id)


async def test_a_press_that_waited_reads_nothing_that_came_after_it(
    bridge, telegram, kommo, eventually, question
):
    """A press names its message: an answer that was delivered later was not seen by it."""
    await bridge.stop()
    press(telegram, question[1], "b:one")
    missing = telegram.faults.fail("getUpdates", status=500, times=None)
    await bridge.start()
    later = await kommo.manager_says("Later", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(later) == [1])
    telegram.faults.remove(missing)
    await eventually(lambda: "Yes" in kommo.texts_in(CONVERSATION))
    assert await status_of(bridge, question[0]) == 2
    assert await status_of(bridge, later) == 1
    telegram.client_says("Done")
    await eventually(lambda: kommo.statuses_of(later) == [1, 2])


CUSTOM = [{"type": "custom_emoji", "custom_emoji_id": "1"}]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"new_reaction": CUSTOM}, id="custom-emoji"),
        pytest.param({"old_reaction": CUSTOM}, id="taken-back"),
        pytest.param({"new_reaction": [{"type": "hologram"}]}, id="of-a-new-kind"),
        pytest.param({"new_reaction": "odd", "date": None}, id="unreadable-but-for-its-message"),
    ],
)
async def test_any_reaction_means_that_its_message_was_read(
    bridge, telegram, kommo, eventually, question, change
):
    """Reading shows in what a client does, not in what of it can be shown."""
    kommo_id, message_id = question
    reaction = {
        "chat": telegram.peers[ANN].chat(),
        "user": telegram.peers[ANN].user(),
        "message_id": message_id,
        "date": 1767348000,
        "old_reaction": [],
        "new_reaction": [],
    }
    telegram.push({"message_reaction": reaction | change})
    await eventually(lambda: kommo.statuses_of(kommo_id) == [1, 2])
    assert kommo.reactions == []


async def test_a_reaction_to_the_managers_message_is_told_and_taken_back(
    bridge, telegram, kommo, eventually, question
):
    """The manager sees the client's emoji on the very message, sees it change, and go."""
    kommo_id, message_id = question
    for emoji in ("👍", "🔥", None):
        telegram.client_reacts(message_id, emoji)
    await eventually(lambda: len(kommo.reactions) == 4)
    assert [(one.message.id, one.emoji) for one in kommo.reactions] == [
        (kommo_id, "👍"),
        (kommo_id, None),
        (kommo_id, "🔥"),
        (kommo_id, None),
    ]
    assert kommo.reactions[0].person.client_id == "tg:555"
    await eventually(lambda: kommo.statuses_of(kommo_id) == [1, 2])


async def test_a_reaction_to_the_clients_own_message_is_told(
    bridge, telegram, kommo, eventually, ann
):
    """A client may react to what the client wrote; Kommo knows it by our id."""
    message_id = await ann.says("Hi")
    telegram.client_reacts(message_id, "❤")
    await eventually(lambda: kommo.reactions)
    assert kommo.reactions[0].message.msgid == f"{CONVERSATION}:{message_id}"


async def test_a_reaction_to_an_unknown_message_holds_nothing_up(
    bridge, telegram, kommo, eventually
):
    """What Kommo has never seen cannot be reacted to there; the chat goes on."""
    telegram.client_says("Hi")
    chat, user = telegram.peers[ANN].chat(), telegram.peers[ANN].user()
    reaction = {"old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "👍"}]}
    told = {"chat": chat, "user": user, "message_id": 4711, "date": 1767348000, **reaction}
    telegram.push({"message_reaction": told})
    telegram.client_says("Still there?")
    await eventually(
        lambda: (
            CONVERSATION in kommo.conversations
            and kommo.texts_in(CONVERSATION) == ["Hi", "Still there?"]
        )
    )
    assert kommo.reactions == []


async def test_a_reaction_that_kommo_does_not_want_is_given_up(
    bridge, telegram, kommo, eventually, question
):
    """A message that Kommo does not know any more does not block the conversation for days."""
    kommo.faults.fail("*/react", status=404, times=None)
    telegram.client_reacts(question[1], "👍")
    telegram.client_says("Next")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Next", within_s=30)
    assert json.loads(kommo.calls("send")[-1].body)["event_type"] == "new_message"
