"""Updates of business accounts that a bot acts for. Pure.

The owner's chats with clients are conversations of their own; both sides of them come as updates,
what the owner writes among them. Reference: Bot API, BusinessConnection, BusinessBotRights,
BusinessMessagesDeleted; Message (`business_connection_id`, `sender_business_bot`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from aiogram.types import Message, User

from bot.translate.ids import ID_LIMIT, ChatAddress
from bot.translate.incoming.messages import (
    ClientEdit,
    ClientMessage,
    moment,
    person,
)
from bot.translate.languages import Language, in_language
from bot.translate.names import person_name
from kommo.content import Content
from kommo.ids import SourceId
from kommo.models import NewMessage, Quote
from kommo.people import Person

CONNECTION, DELETED = "business_connection", "deleted_business_messages"
WRITTEN = ("business_message", "edited_business_message")
ID_KEY = "business_connection_id"

ONE_DELETED = "[This message was deleted in Telegram.]"
SOME_DELETED = "[Messages were deleted in Telegram: {number}.]"


@dataclass(frozen=True)
class Connection:
    """A business connection, as an update or `getBusinessConnection` tells of it."""

    connection_id: str
    owner_id: int
    name: str
    can_reply: bool
    can_read: bool
    is_enabled: bool
    connected_at: datetime


@dataclass(frozen=True)
class Heard:
    """A client's message in an owner's account, by the plainest of its fields."""

    connection_id: str
    chat_id: int
    message_id: int


@dataclass(frozen=True)
class OwnerMessage:
    """What the owner wrote to a client from a device of theirs.

    Args:
        message: as if its author were a client.
        client: to whom.
    """

    message: ClientMessage
    client: Person


@dataclass(frozen=True)
class OwnerEdit:
    """The owner's change of a message: of their own, or of one that the bot sent for them."""

    edit: ClientEdit
    client: Person


@dataclass(frozen=True)
class Deletion:
    """Messages that one side deleted; Telegram does not tell which side."""

    address: ChatAddress
    client: Person
    message_ids: tuple[int, ...]


def connection_id_in(update: Mapping[str, Any]) -> str | None:
    """Return which connection an update came through; None for a chat with the bot itself."""
    for kind in (*WRITTEN, DELETED):
        event = update.get(kind)
        if isinstance(event, Mapping):
            return str(event.get(ID_KEY) or "")
    query = update.get("callback_query")
    message = query.get("message") if isinstance(query, Mapping) else None
    found = message.get(ID_KEY) if isinstance(message, Mapping) else None
    return found if isinstance(found, str) and found else None


def heard(update: Mapping[str, Any]) -> Heard | None:
    """Return the client's message that an update brought; None when it brought none."""
    message = update.get(WRITTEN[0])
    if not isinstance(message, Mapping):
        return None
    chat, author = message.get("chat"), message.get("from")
    chat_id = chat.get("id") if isinstance(chat, Mapping) else None
    author_id = author.get("id") if isinstance(author, Mapping) else None
    message_id, name = message.get("message_id"), connection_id_in(update)
    if type(chat_id) is not int or author_id != chat_id or not name:
        return None
    return Heard(name, chat_id, message_id) if type(message_id) is int else None


def connection(raw: Any) -> Connection | None:
    """Return a connection; None when it cannot be read.

    Before Bot API 9.0 the one right was a field of the connection itself.
    """
    if not isinstance(raw, Mapping):
        return None
    user, rights = raw.get("user"), raw.get("rights")
    owner_id = user.get("id") if isinstance(user, Mapping) else None
    if not isinstance(raw.get("id"), str) or not raw["id"] or type(owner_id) is not int:
        return None
    if not 0 < owner_id < ID_LIMIT:
        return None
    given = rights if isinstance(rights, Mapping) else {"can_reply": raw.get("can_reply")}
    date = raw.get("date")
    return Connection(
        connection_id=raw["id"],
        owner_id=owner_id,
        name=_name(user),
        can_reply=given.get("can_reply") is True,
        can_read=given.get("can_read_messages") is True,
        is_enabled=raw.get("is_enabled") is True,
        connected_at=(moment(date) if type(date) is int else None)
        or datetime.fromtimestamp(0, UTC),
    )


def _name(user: Any) -> str:
    names = (user.get(key) for key in ("first_name", "last_name"))
    words = [name for name in names if isinstance(name, str) and name]
    return person_name(User(id=1, is_bot=False, first_name=" ".join(words)))


def is_owners(message: Message, owner_id: int) -> bool:
    """Tell whether the owner wrote a message, or the bot for the owner."""
    return message.from_user is not None and message.from_user.id == owner_id


def is_echo(message: Message, bot_id: int) -> bool:
    """Tell whether the bot sent a message itself."""
    return message.sender_business_bot is not None and message.sender_business_bot.id == bot_id


def by_owner(found: ClientMessage | ClientEdit, message: Message) -> OwnerMessage | OwnerEdit:
    """Return what the owner wrote, or wrote anew, as found in a message of theirs."""
    client = client_in(message)
    if isinstance(found, ClientMessage):
        return OwnerMessage(replace(found, phone=None, start=None), client)
    plain = replace(found.message, phone=None, start=None)
    return OwnerEdit(replace(found, message=plain), client)


def client_in(message: Message) -> Person:
    """Return the client of a private chat, whose id is the client's own."""
    chat = message.chat
    return person(
        User(
            id=chat.id,
            is_bot=False,
            first_name=chat.first_name or "",
            last_name=chat.last_name,
            username=chat.username,
        )
    )


def deletion(raw: Mapping[str, Any], *, bot_id: int, owner_id: int) -> Deletion | None:
    """Return what was deleted; None when it cannot be read, or is of no client."""
    chat, ids = raw.get("chat"), raw.get("message_ids")
    chat_id = chat.get("id") if isinstance(chat, Mapping) else None
    if type(chat_id) is not int or not 0 < chat_id < ID_LIMIT or not isinstance(ids, list):
        return None
    given = tuple(one for one in ids if type(one) is int and 0 < one < ID_LIMIT)
    if not given:
        return None
    name = _name(chat)
    client = person(User(id=chat_id, is_bot=False, first_name=name))
    return Deletion(ChatAddress(bot_id, chat_id, owner_id), client, given)


def deletion_notice(
    deleted: Deletion,
    number: int,
    *,
    quoted: Quote | None,
    update_id: int,
    at: datetime,
    language: Language,
    source_id: SourceId | None,
) -> NewMessage:
    """Return what the manager reads in the conversation; it calls nobody."""
    text = in_language(ONE_DELETED if number == 1 else SOME_DELETED, language)
    return NewMessage(
        at=at,
        external_id=deleted.address.notice_id(update_id),
        conversation_id=deleted.address.conversation_id,
        source_id=source_id,
        sender=deleted.client,
        content=Content(type="text", text=text.format(number=number)),
        reply_to=quoted,
        silent=True,
    )
