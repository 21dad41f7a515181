"""Telegram message of a client → what Kommo shows. Pure: data in, data out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiogram.types import Chat, Message, User

from bot.translate.ids import ChatAddress, participant_id
from bot.translate.text import clean, flatten
from kommo.ids import ExternalMessageId, SourceId
from kommo.models import Content, EditMessage, NewMessage, Person

UNREADABLE = (
    "[Telegram sent something here that this version of the bridge cannot read. "
    "It is kept, and will be shown here after an update of the bridge.]"
)


ID_LIMIT = 1 << 52
"""Reference: Bot API, Chat: an id has at most 52 significant bits."""


YEAR_10000 = 253_402_300_800
"""The first second that Python's datetime cannot hold."""


@dataclass(frozen=True)
class ClientMessage:
    """One message of a client: its place, its author, and what Kommo is to show."""

    address: ChatAddress
    telegram_message_id: int
    author: User
    at: datetime
    payload: NewMessage


@dataclass(frozen=True)
class ClientEdit:
    """A client's change of an earlier message."""

    address: ChatAddress
    telegram_message_id: int
    external_id: ExternalMessageId
    payload: EditMessage


def is_with_client(chat: Chat) -> bool:
    """Tell whether a chat is one person's with the bot; groups and channels are not bridged."""
    return chat.type == "private"


def client_message(message: Message, *, bot_id: int, source_id: SourceId | None) -> ClientMessage:
    """Translate a client's message into the message to show in Kommo."""
    address = ChatAddress(bot_id, message.chat.id)
    author = message.from_user or _author_from_chat(message.chat)
    payload = NewMessage(
        at=message.date,
        external_id=address.message_id(message.message_id),
        conversation_id=address.conversation_id,
        source_id=source_id,
        sender=person(author),
        content=content(message),
    )
    return ClientMessage(address, message.message_id, author, message.date, payload)


def client_edit(message: Message, *, bot_id: int) -> ClientEdit:
    """Translate a client's edit of a message."""
    address = ChatAddress(bot_id, message.chat.id)
    external_id = address.message_id(message.message_id)
    changed_at = message.edit_date or message.date.timestamp()
    payload = EditMessage(
        at=datetime.fromtimestamp(changed_at, UTC),
        external_id=external_id,
        conversation_id=address.conversation_id,
        content=content(message),
    )
    return ClientEdit(address, message.message_id, external_id, payload)


def person(user: User) -> Person:
    """Return a Telegram user as Kommo's sender."""
    return Person(
        id=participant_id(user.id),
        name=user.full_name.strip() or user.username or "Telegram user",
        profile_link=f"https://t.me/{user.username}" if user.username else None,
    )


def content(message: Message) -> Content:
    """Return what a message says; what is not known yet becomes a text naming it."""
    if message.text is not None:
        return Content(type="text", text=flatten(message.text, message.entities or []))
    return Content(type="text", text=_notice(message))


def unreadable_message(
    update: Mapping[str, Any], *, bot_id: int, source_id: SourceId | None
) -> ClientMessage | None:
    """Return a placeholder for an update that cannot be parsed; None when it names no chat.

    Reads nothing but the plainest fields, and believes none of them.
    """
    message = next((part for part in update.values() if _is_message(part)), None)
    if message is None:
        return None
    chat_id = _integer(message["chat"], "id")
    message_id = _integer(message, "message_id")
    if chat_id is None or message_id is None or message["chat"].get("type") != "private":
        return None
    first_name = message["from"].get("first_name") if _is_object(message.get("from")) else None
    name = clean(first_name) if isinstance(first_name, str) else ""
    user = User(id=chat_id, is_bot=False, first_name=name)
    address = ChatAddress(bot_id, chat_id)
    at = _date(message)
    payload = NewMessage(
        at=at,
        external_id=address.message_id(message_id),
        conversation_id=address.conversation_id,
        source_id=source_id,
        sender=person(user),
        content=Content(type="text", text=UNREADABLE),
    )
    return ClientMessage(address, message_id, user, at, payload)


def replaces(message: ClientMessage, *, at: datetime) -> EditMessage:
    """Return the edit that puts a message, readable at last, in the place of its placeholder."""
    return EditMessage(
        at=at,
        external_id=ExternalMessageId(message.payload.external_id),
        conversation_id=message.payload.conversation_id,
        content=message.payload.content,
    )


def _author_from_chat(chat: Chat) -> User:
    """Return the person of a private chat, whose id is the user's own."""
    return User(
        id=chat.id,
        is_bot=False,
        first_name=chat.first_name or "",
        last_name=chat.last_name,
        username=chat.username,
    )


def _notice(message: Message) -> str:
    """Name a kind of content that has no translation, with its caption."""
    kind = message.content_type.replace("_", " ")
    caption = flatten(message.caption or "", message.caption_entities or [])
    return f"[{kind}] {caption}".strip()


def _is_object(data: Any) -> bool:
    return isinstance(data, Mapping)


def _is_message(data: Any) -> bool:
    """Tell whether a part of an update looks like a message: an object with a chat."""
    return _is_object(data) and _is_object(data.get("chat"))


def _date(message: Mapping[str, Any]) -> datetime:
    """Return when a message says it was written; the epoch when it says nonsense."""
    seconds = _integer(message, "date") or 0
    return datetime.fromtimestamp(seconds if 0 <= seconds < YEAR_10000 else 0, UTC)


def _integer(data: Mapping[str, Any], key: str) -> int | None:
    """Return an integer field within Telegram's range (52 bits); None for anything else."""
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= ID_LIMIT:
        return None
    return value
