"""Placeholders for updates that cannot be read, from what is left of them. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiogram.types import User

from bot.translate.ids import ID_LIMIT, ChatAddress
from bot.translate.incoming.contents import lines
from bot.translate.incoming.messages import GROUPS, ClientMessage, moment, person, plausible
from bot.translate.incoming.notices import tells_events_only
from bot.translate.text import clean
from kommo.content import Content
from kommo.ids import SourceId
from kommo.models import NewMessage

UNREADABLE = (
    "[Telegram sent something here that this version of the bridge cannot read. "
    "It is kept, and will be shown here after an update of the bridge.]"
)

PLAIN = ("message", "edited_message")
BUSINESS = ("business_message", "edited_business_message")


def unreadable_message(
    update: Mapping[str, Any],
    *,
    bot_id: int,
    source_id: SourceId | None,
    now: datetime,
    owner_id: int = 0,
) -> ClientMessage | None:
    """Return a placeholder for a message that cannot be read; None when it names no chat.

    Reads nothing but the plainest fields, and believes none of them. What is no message, such as
    a reaction, has none: the client has said nothing. Neither has a message that tells of an
    event, such as a pinned message. In an owner's account, what the client did not write has none.
    """
    parts = (update.get(kind) for kind in (BUSINESS if owner_id else PLAIN))
    message = next((part for part in parts if _is_message(part)), None)
    if message is None or tells_events_only(message):
        return None
    if owner_id and _positive(message.get("from") or {}, "id") != _positive(message["chat"], "id"):
        return None
    chat_id = _chat_id(message["chat"], message.get("from"))
    if chat_id is None:
        return None
    message_id = _positive(message, "message_id") or 0
    first_name = message["from"].get("first_name") if _is_object(message.get("from")) else None
    name = clean(first_name) if isinstance(first_name, str) else ""
    user = User(id=chat_id, is_bot=False, first_name=name)
    address = ChatAddress(bot_id, chat_id, owner_id)
    at = plausible(moment(_positive(message, "date")), now)
    payload = NewMessage(
        at=at,
        external_id=(
            address.message_id(message_id)
            if message_id
            else address.notice_id(update_number(update))
        ),
        conversation_id=address.conversation_id,
        source_id=source_id,
        sender=person(user),
        content=Content(type="text", text=lines(UNREADABLE, _words(message))),
    )
    return ClientMessage(address, message_id, user, at, (payload,), UNREADABLE)


def _words(message: Mapping[str, Any]) -> str:
    """Return what a message says in words, as far as that is plain."""
    words = message.get("text") or message.get("caption")
    return clean(words) if isinstance(words, str) else ""


def _is_object(data: Any) -> bool:
    return isinstance(data, Mapping)


def _is_message(data: Any) -> bool:
    """Tell whether a part of an update looks like a message: an object with a chat."""
    return _is_object(data) and _is_object(data.get("chat"))


def _chat_id(chat: Mapping[str, Any], author: Any) -> int | None:
    """Return the id of a private chat, which is the client's own; None for any other."""
    if chat.get("type") in GROUPS:
        return None
    found = _positive(chat, "id")
    is_private = found is None and chat.get("type") == "private"
    return _positive(author, "id") if is_private and _is_object(author) else found


def update_number(update: Mapping[str, Any]) -> int:
    """Return the number of an update; without one, what only the same update has again."""
    number = _positive(update, "update_id")
    if number is not None:
        return number
    content = json.dumps(update, sort_keys=True).encode()
    return ID_LIMIT + int.from_bytes(hashlib.sha256(content).digest()[:6])


def _positive(data: Mapping[str, Any], key: str) -> int | None:
    """Return a positive integer within Telegram's range (52 bits); None for anything else."""
    value = data.get(key) if isinstance(data, Mapping) else None
    return value if type(value) is int and 0 < value < ID_LIMIT else None
