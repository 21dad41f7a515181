"""A pressed inline button → the client's message in Kommo, and the keyboard that shows the choice.

Buttons carry `b:` and a short id; what they say is stored, so that a press means the same weeks
later. Pure. Reference: Bot API, CallbackQuery; Kommo, Receiving chat webhooks (markup).
"""

import hashlib
from datetime import datetime

from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    User,
)
from pydantic import BaseModel, ConfigDict

from bot.translate.ids import BUTTON_PREFIX, ChatAddress
from bot.translate.incoming.lenient import CUT
from bot.translate.incoming.messages import GROUPS, ClientMessage, person, topic_of
from bot.translate.text import split, utf16_length
from kommo.content import Content
from kommo.ids import SourceId
from kommo.models import NewMessage

CHOSEN = "\N{HEAVY CHECK MARK}\ufe0f "
"""Stands before the text of the button that was pressed last."""

ANSWER_LIMIT = 200
"""Reference: Bot API, answerCallbackQuery (text of 0-200 characters)."""

UNKNOWN_BUTTON = "[The client pressed a button that is no longer known.]"

InlineKeyboardMarkup.model_rebuild()
"""A model of ours that holds one of aiogram's needs it built: see `bot.aiogram_models`."""


class Press(BaseModel):
    """A pressed button, as Telegram tells of it; what waits until the client sees the choice.

    Args:
        data: what the button carries.
        message_id: of the message under which the button is; None when Telegram does not tell.
        keyboard: as the client sees it; None when Telegram does not tell.
        text: what the button says; filled in when it is known.
        is_said: whether it is a client's word in the chat with the bot; others are only answered.
        update_id: of the update that told of it, where the press has no id of its own.
        business_user_id: whose business account's chat it was in; 0 for the chat with the bot.
        topic: of the chat, where the message stands in one.
    """

    model_config = ConfigDict(frozen=True)

    bot_id: int
    chat_id: int
    callback_id: str
    data: str
    message_id: int | None = None
    keyboard: InlineKeyboardMarkup | None = None
    text: str | None = None
    is_said: bool = True
    update_id: int | None = None
    business_user_id: int = 0
    topic: int | None = None

    @property
    def key(self) -> str:
        """Return what tells a press from all others."""
        return self.callback_id or f"update-{self.update_id}"

    @property
    def button_id(self) -> str | None:
        """Return our id of the button; None for one that is not ours."""
        if not self.data.startswith(BUTTON_PREFIX):
            return None
        return self.data.removeprefix(BUTTON_PREFIX)

    @property
    def address(self) -> ChatAddress:
        """Return where it happened."""
        return ChatAddress(self.bot_id, self.chat_id, self.business_user_id)


def client_press(
    query: CallbackQuery, *, bot_id: int, update_id: int = 0, owner_id: int = 0
) -> Press:
    """Return a press of a button. Reference: Bot API, CallbackQuery (each is to be answered).

    In a group, under a message that somebody sent by the bot's inline mode, and of a game, it is
    no word of a client to the bot.
    """
    message = query.message
    is_private = message.chat.type not in GROUPS if message else query.inline_message_id is None
    keyboard = message.reply_markup if isinstance(message, Message) else None
    chat_id = message.chat.id if message else 0
    press = Press(
        bot_id=bot_id,
        chat_id=chat_id or query.from_user.id,
        callback_id=query.id,
        message_id=message.message_id or None if message else None,
        data=query.data or "",
        keyboard=None if _is_cut(keyboard) else keyboard,
        text=shown_text(keyboard, query.data or ""),
        update_id=None if query.id else update_id,
        business_user_id=owner_id,
        topic=topic_of(message) if isinstance(message, Message) else None,
    )
    return press if is_private and query.data is not None else unsaid(press)


def _is_cut(keyboard: InlineKeyboardMarkup | None) -> bool:
    """Tell whether something of a keyboard could not be read, so that it is not shown again."""
    return keyboard is not None and CUT in (keyboard.model_extra or {})


def unsaid(press: Press) -> Press:
    """Return a press that is answered, and neither told nor shown."""
    return press.model_copy(update={"keyboard": None, "text": None, "is_said": False})


def fingerprint(press: Press) -> str:
    """Return what is the same when an app sends the same press twice, beside the message.

    Once the keyboard shows another choice, or something else, the press is another.
    """
    keyboard = press.keyboard.model_dump_json(exclude_none=True) if press.keyboard else ""
    return hashlib.sha256(f"{press.data}\n{keyboard}".encode()).hexdigest()[:32]


def client_message(
    press: Press,
    author: User,
    *,
    callback_data: str | None,
    at: datetime,
    source_id: SourceId | None,
) -> ClientMessage:
    """Return what a press says in the client's name.

    Args:
        press: with its text, as far as it is known.
        author: who pressed.
        callback_data: of a list message's row; Kommo's bots wait for it.
        at: when it was pressed; Telegram does not tell.
        source_id: of the bot.
    """
    payload = NewMessage(
        at=at,
        external_id=press.address.press_id(press.key),
        conversation_id=press.address.conversation_id,
        source_id=source_id,
        sender=person(author),
        content=Content(
            type="text", text=press.text or UNKNOWN_BUTTON, callback_data=callback_data
        ),
    )
    return ClientMessage(press.address, 0, author, at, (payload,), topic=press.topic)


def shown_text(keyboard: InlineKeyboardMarkup | None, data: str) -> str | None:
    """Return what the button that carries the data says; None when it is not there."""
    rows = keyboard.inline_keyboard if keyboard else []
    texts = (button.text for row in rows for button in row if button.callback_data == data)
    text = next(texts, None)
    return text.removeprefix(CHOSEN) if text is not None else None


def choice(press: Press) -> InlineKeyboardMarkup | None:
    """Return the keyboard with the pressed button marked, and no other; None for none."""
    if press.keyboard is None:
        return None
    rows = [
        [_marked(button, is_chosen=button.callback_data == press.data) for button in row]
        for row in press.keyboard.inline_keyboard
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def answer_text(press: Press) -> str | None:
    """Return what the client reads for a moment after pressing."""
    if not press.text:
        return None
    return CHOSEN + next(iter(split(press.text, ANSWER_LIMIT - utf16_length(CHOSEN))), "")


def _marked(button: InlineKeyboardButton, *, is_chosen: bool) -> InlineKeyboardButton:
    text = button.text.removeprefix(CHOSEN)
    return button.model_copy(update={"text": CHOSEN + text if is_chosen else text})
