"""Pressed buttons and reactions: what they mean, and what the client sees."""

from datetime import UTC, datetime

import pytest
from aiogram.types import CallbackQuery, MessageReactionUpdated, User

from bot.translate.incoming import presses
from bot.translate.incoming.presses import (
    ANSWER_LIMIT,
    CHOSEN,
    UNKNOWN_BUTTON,
    answer_text,
    choice,
)
from bot.translate.incoming.reactions import STAR, client_reaction, reactions
from bot.translate.text import utf16_length

NOW = datetime(2026, 1, 2, 10, tzinfo=UTC)
ANN = {"id": 555, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 555, "type": "private", "first_name": "Ann"}
GROUP = {"id": -5, "type": "group", "title": "Group"}
KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Yes", "callback_data": "b:one"}],
        [{"text": CHOSEN + "No", "callback_data": "b:two"}],
    ]
}


def query(*, data="b:one", chat=CHAT, keyboard=KEYBOARD, **fields):
    """Return a press as Telegram tells of it."""
    shown = {"message_id": 42, "date": 1767348000, "chat": chat, "text": "Shall we?"}
    body = {"id": "9", "from": ANN, "chat_instance": "1", "data": data}
    body |= {"message": {**shown, "reply_markup": keyboard}}
    return CallbackQuery.model_validate({**body, **fields})


def press(**how):
    """Return a press that counts."""
    found = presses.client_press(query(**how), bot_id=700001)
    assert found is not None
    return found


def texts(markup):
    """Return what the buttons say."""
    return [button.text for row in markup.inline_keyboard for button in row]


def test_a_press_says_what_the_button_says():
    """The text is read from the keyboard, without our mark."""
    assert (press().text, press().button_id) == ("Yes", "one")
    assert press(data="b:two").text == "No"
    assert press(data="b:three").text is None
    assert press(keyboard=None).text is None


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"chat": GROUP}, id="in-a-group"),
        pytest.param({"data": None}, id="of-a-game"),
        pytest.param({"message": None, "inline_message_id": "i"}, id="in-inline-mode"),
    ],
)
def test_other_presses_are_not_a_clients(how):
    """Groups are not bridged, and games say nothing; they are answered all the same."""
    press = presses.client_press(query(**how), bot_id=700001)
    assert not press.is_said
    assert (press.text, choice(press), answer_text(press)) == (None, None, None)


def test_a_press_without_its_message_is_still_one():
    """Of old messages Telegram tells no more than the id, or nothing."""
    stub = {"message_id": 42, "date": 0, "chat": CHAT}
    assert press(message=stub).message_id == 42
    assert press(message=stub).keyboard is None
    assert press(message=None).chat_id == 555
    assert press(message=None).message_id is None


def test_a_press_becomes_a_message_with_the_rows_data():
    """Kommo's bots wait for the text, or for the data of a list message's row."""
    message = presses.client_message(
        press(), User.model_validate(ANN), callback_data="row-1", at=NOW, source_id=None
    )
    assert message.payload.external_id == "tg:700001:555:press:9"
    assert (message.payload.content.text, message.payload.content.callback_data) == (
        "Yes",
        "row-1",
    )


def test_a_press_of_an_unknown_button_is_told_as_such():
    """The manager learns that something was pressed."""
    unknown = press(data="x", keyboard=None)
    message = presses.client_message(
        unknown, User.model_validate(ANN), callback_data=None, at=NOW, source_id=None
    )
    assert message.payload.content.text == UNKNOWN_BUTTON
    assert unknown.button_id is None
    assert answer_text(unknown) is None
    assert choice(unknown) is None


def test_only_the_last_choice_is_marked():
    """The mark moves from button to button."""
    markup = choice(press())
    assert markup is not None
    assert texts(markup) == [CHOSEN + "Yes", "No"]
    assert [row[0].callback_data for row in markup.inline_keyboard] == ["b:one", "b:two"]


def test_the_answer_fits():
    """Telegram takes 200 characters."""
    long = press().model_copy(update={"text": "x" * 300})
    assert len(answer_text(long) or "") == ANSWER_LIMIT
    wide = press().model_copy(update={"text": "😀" * 300})
    assert utf16_length(answer_text(wide) or "") <= ANSWER_LIMIT


def emoji(*characters):
    """Return reactions."""
    return [{"type": "emoji", "emoji": one} for one in characters]


def reaction(old, new, **fields):
    """Return a change of reactions."""
    body = {"chat": CHAT, "user": ANN, "message_id": 42, "date": 1767348000}
    body |= {"old_reaction": old, "new_reaction": new, **fields}
    return client_reaction(MessageReactionUpdated.model_validate(body), bot_id=700001)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param([], emoji("👍"), [("react", "👍")], id="set"),
        pytest.param(emoji("👍"), [], [("unreact", "👍")], id="taken-back"),
        pytest.param(emoji("👍"), emoji("🔥"), [("unreact", "👍"), ("react", "🔥")], id="changed"),
        pytest.param(emoji("👍"), emoji("👍", "🔥"), [("react", "🔥")], id="one-more"),
        pytest.param([], [{"type": "paid"}], [("react", STAR)], id="paid"),
    ],
)
def test_a_change_is_told_emoji_by_emoji(old, new, told):
    """What was taken back first, then what is new."""
    change = reaction(old, new)
    assert change is not None
    calls = reactions(change, external_id="tg:700001:555:42", kommo_message_id="kommo-1")
    assert [(call.type, call.emoji) for call in calls] == told
    assert {call.external_id for call in calls} == {"tg:700001:555:42"}
    assert {call.user_id for call in calls} == {"tg:555"}


def test_a_managers_message_is_named_as_kommo_names_it():
    """Kommo's own messages have no id of ours."""
    change = reaction([], emoji("👍"))
    assert change is not None
    (call,) = reactions(change, external_id=None, kommo_message_id="kommo-1")
    assert (call.external_id, call.kommo_message_id) == (None, "kommo-1")


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        pytest.param([], emoji("👍"), {"user": None, "actor_chat": GROUP}, id="anonymous"),
        pytest.param([], emoji("👍"), {"chat": GROUP}, id="in-a-group"),
    ],
)
def test_reactions_of_others_are_no_clients(old, new, fields):
    """Groups are not bridged."""
    assert reaction(old, new, **fields) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param([], [{"type": "custom_emoji", "custom_emoji_id": "1"}], id="custom"),
        pytest.param(emoji("👍"), emoji("👍"), id="nothing-changed"),
    ],
)
def test_what_no_emoji_can_say_is_not_told(old, new):
    """A custom emoji has no character: nothing is said, but which message was read."""
    change = reaction(old, new)
    assert change is not None
    assert reactions(change, external_id=None, kommo_message_id="kommo-1") == []
    assert change.telegram_message_id == 42
