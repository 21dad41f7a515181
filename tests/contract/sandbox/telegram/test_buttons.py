"""Keyboards, presses, reactions, edits and deletions."""

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from sandbox.telegram.server import TelegramServer

ANN = 555
DAY_S = 24 * 3600


def inline(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    """An inline keyboard of one row."""
    return InlineKeyboardMarkup(inline_keyboard=[list(buttons)])


def button(text: str = "Yes", data: str | None = "yes", **action: Any) -> InlineKeyboardButton:
    """An inline button."""
    return InlineKeyboardButton(text=text, callback_data=data, **action)


async def test_a_press_comes_back_with_its_data(telegram: TelegramServer, bot: Bot) -> None:
    """Who presses an inline button sends its data, and waits for an answer."""
    sent = await bot.send_message(
        ANN, "Really?", reply_markup=inline(button(), button("No", "no"))
    )
    callback_id = telegram.client_presses(sent.message_id, "No")
    query = (await bot.get_updates())[-1].callback_query
    assert query
    assert query.message
    assert (query.id, query.data) == (callback_id, "no")
    assert query.message.message_id == sent.message_id
    assert telegram.callbacks[callback_id] is None
    await bot.answer_callback_query(query.id, text="A pity")
    assert telegram.callbacks[callback_id] == "A pity"


async def test_callbacks_must_be_known(telegram: TelegramServer, bot: Bot) -> None:
    """An answer to nothing is refused, and so is one that is too long."""
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query("unknown")
    sent = await bot.send_message(ANN, "Really?", reply_markup=inline(button()))
    callback_id = telegram.client_presses(sent.message_id, "Yes")
    with pytest.raises(TelegramBadRequest, match="MESSAGE_TOO_LONG"):
        await bot.answer_callback_query(callback_id, text="x" * 201)


async def test_only_buttons_that_are_there_can_be_pressed(
    telegram: TelegramServer, bot: Bot
) -> None:
    """A test that presses what is not there is told what is."""
    sent = await bot.send_message(ANN, "Really?", reply_markup=inline(button()))
    with pytest.raises(LookupError, match=r"no button 'No' to press among \['Yes'\]"):
        telegram.client_presses(sent.message_id, "No")


async def test_a_reply_keyboard_writes_its_text(telegram: TelegramServer, bot: Bot) -> None:
    """Who presses a button of a reply keyboard writes an ordinary message."""
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Yes")]])
    sent = await bot.send_message(ANN, "Really?", reply_markup=keyboard)
    telegram.client_presses(sent.message_id, "Yes")
    message = (await bot.get_updates())[-1].message
    assert message
    assert (message.text, sent.reply_markup) == ("Yes", None)
    shown = telegram.sent_to(ANN)[0].reply_markup
    assert shown
    assert shown["keyboard"] == [[{"text": "Yes"}]]


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param(inline(button(data="я" * 32)), id="longest-data"),
        pytest.param(inline(button(data=None, url="https://example.com/a?b=c")), id="url"),
        pytest.param(inline(button(data=None, url="tg://user?id=1")), id="tg-url"),
        pytest.param(inline(button(data=None, copy_text=CopyTextButton(text="x"))), id="copy"),
        pytest.param(ReplyKeyboardRemove(), id="remove"),
        pytest.param(ForceReply(), id="force-reply"),
    ],
)
async def test_good_keyboards_are_shown(telegram: TelegramServer, bot: Bot, markup: Any) -> None:
    """What Telegram takes is kept with the message."""
    await bot.send_message(ANN, "x", reply_markup=markup)
    assert telegram.sent_to(ANN)[0].reply_markup


@pytest.mark.parametrize(
    ("markup", "why"),
    [
        pytest.param(inline(button(data="я" * 33)), "BUTTON_DATA_INVALID", id="data-too-long"),
        pytest.param(inline(button(data="")), "BUTTON_DATA_INVALID", id="no-data"),
        pytest.param(inline(button(data=None)), "text buttons are unallowed", id="no-action"),
        pytest.param(inline(button(" ")), "text must be non-empty", id="no-text"),
        pytest.param(
            inline(button(data=None, url="http://a b.com")), "BUTTON_URL_INVALID", id="url-space"
        ),
        pytest.param(
            inline(button(data=None, url="http://localhost/")), "BUTTON_URL_INVALID", id="no-dot"
        ),
        pytest.param(
            inline(button(data=None, url="javascript:x")), "BUTTON_URL_INVALID", id="scheme"
        ),
        pytest.param(
            inline(button(data=None, url="http://a.com:x/")), "BUTTON_URL_INVALID", id="port"
        ),
        pytest.param(
            inline(button(data=None, copy_text=CopyTextButton(text="x" * 257))),
            "BUTTON_COPY_TEXT_INVALID",
            id="copy-too-long",
        ),
        pytest.param(ReplyKeyboardMarkup(keyboard=[]), "keyboard must be non-empty", id="no-rows"),
        pytest.param(
            ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="")]]),
            "keyboard button text must be non-empty",
            id="reply-no-text",
        ),
        pytest.param(
            ReplyKeyboardMarkup(
                keyboard=[[KeyboardButton(text="x")]], input_field_placeholder="x" * 65
            ),
            "placeholder is too long",
            id="placeholder",
        ),
    ],
)
async def test_wrong_keyboards_are_refused(
    telegram: TelegramServer, bot: Bot, markup: Any, why: str
) -> None:
    """A keyboard that Telegram does not take keeps its message back."""
    with pytest.raises(TelegramBadRequest, match=why):
        await bot.send_message(ANN, "x", reply_markup=markup)
    assert telegram.sent_to(ANN) == []


async def test_buttons_beyond_the_limits_are_dropped(telegram: TelegramServer, bot: Bot) -> None:
    """More than 12 in a row or 300 in all are left out without a word, as by Telegram."""
    rows = [[button(f"{row}.{number}") for number in range(13)] for row in range(40)]
    await bot.send_message(ANN, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=rows))
    await bot.send_message(ANN, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=[]))
    shown = telegram.sent_to(ANN)[0].reply_markup
    assert shown
    assert {len(row) for row in shown["inline_keyboard"]} == {12}
    assert sum(len(row) for row in shown["inline_keyboard"]) == 300
    assert telegram.sent_to(ANN)[1].reply_markup is None


async def test_edits_replace_text_and_buttons(telegram: TelegramServer, bot: Bot) -> None:
    """An edited message shows the new text, and loses buttons that are not given again."""
    sent = await bot.send_message(ANN, "Really?", reply_markup=inline(button()))
    await bot.edit_message_text("Really so?", chat_id=ANN, message_id=sent.message_id)
    await bot.edit_message_reply_markup(
        chat_id=ANN, message_id=sent.message_id, reply_markup=inline(button("Sure"))
    )
    shown = telegram.seen_by(ANN)[-1]
    assert (shown["text"], "edit_date" in shown) == ("Really so?", True)
    assert shown["keyboard"]["inline_keyboard"][0][0]["text"] == "Sure"
    assert telegram.texts_to(ANN) == ["Really?"]


async def test_captions_are_edited_as_captions(telegram: TelegramServer, bot: Bot) -> None:
    """A caption is no text and a text no caption."""
    document = BufferedInputFile(b"x", "a.txt")
    sent = await bot.send_document(ANN, document, caption="old")
    text = await bot.send_message(ANN, "text")
    await bot.edit_message_caption(chat_id=ANN, message_id=sent.message_id, caption="new")
    assert telegram.seen_by(ANN)[1]["caption"] == "new"
    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("x", chat_id=ANN, message_id=sent.message_id)
    with pytest.raises(TelegramBadRequest, match="there is no caption in the message to edit"):
        await bot.edit_message_caption(chat_id=ANN, message_id=text.message_id, caption="x")


async def test_edits_that_cannot_be_are_refused(telegram: TelegramServer, bot: Bot) -> None:
    """Edits of nothing, of others' messages, and without a change are refused."""
    sent = await bot.send_message(ANN, "same")
    for message_id, why in (
        (sent.message_id, "message is not modified"),
        (99, "message to edit not found"),
        (1, "message can't be edited"),
    ):
        with pytest.raises(TelegramBadRequest, match=why):
            await bot.edit_message_text("same", chat_id=ANN, message_id=message_id)


async def test_a_clients_edit_is_an_update(telegram: TelegramServer, bot: Bot) -> None:
    """What a client changes comes as an edited message, and what was there before stays so."""
    message_id = telegram.client_says("one")
    telegram.client_edits(message_id, "two")
    first, second = (await bot.get_updates())[1:]
    assert first.message
    assert second.edited_message
    assert (first.message.text, second.edited_message.text) == ("one", "two")


async def test_messages_can_be_deleted_for_two_days(telegram: TelegramServer, bot: Bot) -> None:
    """Own and incoming messages can be deleted, until they are 48 hours old."""
    sent = await bot.send_message(ANN, "gone soon")
    await bot.delete_message(ANN, sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(ANN, sent.message_id)
    old = telegram.client_says("old", date=int(telegram.now()) - 2 * DAY_S - 1)
    with pytest.raises(TelegramBadRequest, match="message can't be deleted"):
        await bot.delete_message(ANN, old)
    await bot.delete_messages(ANN, [1, 77])
    assert [message["text"] for message in telegram.seen_by(ANN)] == ["old"]
    with pytest.raises(TelegramBadRequest, match="message identifiers are not specified"):
        await bot.delete_messages(ANN, [])


async def test_a_bot_reacts_with_what_is_allowed(telegram: TelegramServer, bot: Bot) -> None:
    """One emoji of the list can be set and taken back."""
    await bot.set_message_reaction(ANN, 1, [ReactionTypeEmoji(emoji="❤")])
    assert telegram.seen_by(ANN)[0]["reaction"] == "❤"
    await bot.set_message_reaction(ANN, 1, [])
    assert telegram.seen_by(ANN)[0]["reaction"] is None


@pytest.mark.parametrize(
    ("message_id", "emojis", "why"),
    [
        pytest.param(1, ["🥑"], "REACTION_INVALID", id="not-in-the-list"),
        pytest.param(1, ["❤\ufe0f"], "REACTION_INVALID", id="variation-selector"),
        pytest.param(1, ["❤", "🔥"], "REACTION_INVALID", id="two"),
        pytest.param(99, ["❤"], "message to react not found", id="no-message"),
    ],
)
async def test_other_reactions_are_refused(
    bot: Bot, message_id: int, emojis: list[str], why: str
) -> None:
    """What is not in Telegram's list cannot be set."""
    reactions = [ReactionTypeEmoji(emoji=emoji) for emoji in emojis]
    with pytest.raises(TelegramBadRequest, match=why):
        await bot.set_message_reaction(ANN, message_id, list(reactions))


async def test_typing_is_seen(telegram: TelegramServer, bot: Bot) -> None:
    """A chat action is shown; an unknown one is refused."""
    await bot.send_chat_action(ANN, "typing")
    assert telegram.chat_actions == [(ANN, "typing")]
    with pytest.raises(TelegramBadRequest, match="wrong parameter action"):
        await bot.send_chat_action(ANN, "dancing")
