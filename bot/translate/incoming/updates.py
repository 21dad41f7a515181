"""Telegram's raw update → an update with everything that can be read. Pure.

Reference: Bot API, Update.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Chat, Message, Update

from bot.translate.incoming.lenient import Path, reading
from bot.translate.incoming.messages import GROUPS, plausible
from bot.translate.incoming.rich import RAW_FIELD, set_aside
from bot.translate.text import whole

USED = (
    "message", "edited_message", "callback_query", "message_reaction",
    "my_chat_member", "business_message", "edited_business_message",
)  # fmt: skip
"""Kinds of updates that the bridge does something with; of others nothing needs to be readable."""

DATED = (
    "message", "edited_message", "message_reaction", "my_chat_member",
    "business_message", "edited_business_message",
)  # fmt: skip
"""Those that tell when they happened."""

CONTENT = frozenset(kind.value for kind in ContentType)
"""The fields of a message that can be what it says."""

OF_MESSAGE = 3
"""How long a path is that leads to a member of a list of a message, such as a size of a photo."""


class UnreadableError(ValueError):
    """Raised when what an update is about cannot be read."""


def read_update(raw: Mapping[str, Any], *, now: datetime) -> Update:
    """Return an update with all of it that can be read.

    Args:
        raw: as it came.
        now: the moment of receipt, at which what tells no moment happened.

    Raises:
        UnreadableError: what it is about cannot be read.
    """
    found = reading(Update, set_aside(_encodable(_with_date(raw, now))), now=now)
    update = found.model
    if update is None:
        raise UnreadableError("it lacks what it cannot do without")
    for kind in USED:
        if raw.get(kind) is not None and getattr(update, kind) is None:
            raise UnreadableError(f"its {kind} cannot be read")
        if not _has_place(getattr(update, kind)):
            raise UnreadableError(f"its {kind} names no chat")
    message = (
        update.message
        or update.edited_message
        or update.business_message
        or update.edited_business_message
    )
    if message is not None and _lost_its_content(message, found.left_out):
        raise UnreadableError("what its message says cannot be read")
    return _dated(update, now)


def _with_date(raw: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """Return an update in which a pressed message without date is not taken for a deleted one.

    Reference: Bot API, InaccessibleMessage (the date is always 0).
    """
    query = raw.get("callback_query")
    if not isinstance(query, Mapping):
        return raw
    message = query.get("message")
    if not isinstance(message, Mapping) or "date" in message:
        return raw
    dated = {**message, "date": int(now.timestamp())}
    return {**raw, "callback_query": {**query, "message": dated}}


def _has_place(event: Any) -> bool:
    """Tell whether it is known where something happened; groups are of no interest."""
    if isinstance(event, CallbackQuery):
        if event.message is None:
            return event.from_user.id > 0 and bool(event.id)
        return event.from_user.id > 0 or _is_place(event.message.chat)
    return event is None or _is_place(event.chat)


def _is_place(chat: Chat) -> bool:
    return chat.id > 0 or chat.type in GROUPS


def _dated(update: Update, now: datetime) -> Update:
    """Return an update of a moment at which it can have happened."""
    for kind in DATED:
        event = getattr(update, kind)
        if event is not None and (at := plausible(event.date, now)) != event.date:
            return update.model_copy(update={kind: event.model_copy(update={"date": at})})
    return update


def _lost_its_content(message: Message, left_out: Iterable[Path]) -> bool:
    """Tell whether the very thing that a message says was left out, and nothing else is there."""
    if message.content_type != ContentType.UNKNOWN or RAW_FIELD in (message.model_extra or {}):
        return False
    return any(1 < len(path) <= OF_MESSAGE and path[1] in CONTENT for path in left_out)


def _encodable(data: Any) -> Any:
    """Return plain objects whose texts can be encoded: without halves of surrogate pairs."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(whole(text))
    return data
