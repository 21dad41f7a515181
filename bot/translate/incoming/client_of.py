"""Whose an update is, read from its plainest fields. Pure. Reference: Bot API, Update."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.translate.ids import ID_LIMIT
from bot.translate.incoming.unreadable import update_number

EDIT, MEMBERSHIP, PRESS = "edited_message", "my_chat_member", "callback_query"
BUSINESS_EDIT = "edited_business_message"
BUSINESS = ("business_message", BUSINESS_EDIT)
MESSAGES = ("message", EDIT, *BUSINESS)
DELETION = "deleted_business_messages"
KINDS = (*MESSAGES, PRESS, "message_reaction", MEMBERSHIP, DELETION)


@dataclass(frozen=True)
class Origin:
    """Which client an update is of.

    Args:
        chat_id: the client's number.
        kind: of the update.
        update_id: of the update.
        message_id: of the message that the client wrote or edited; None for anything else.
    """

    chat_id: int
    kind: str
    update_id: int
    message_id: int | None = None

    @property
    def is_edit(self) -> bool:
        """Tell whether the client changed an earlier message."""
        return self.kind in {EDIT, BUSINESS_EDIT}

    @property
    def is_wordless(self) -> bool:
        """Tell whether nothing was said: the client blocked the bot, came back, or deleted."""
        return self.kind in {MEMBERSHIP, DELETION}


def origin(update: Mapping[str, Any]) -> Origin | None:
    """Return whose an update is; None where it names no private chat, or an owner wrote it."""
    kind = next((one for one in KINDS if isinstance(update.get(one), Mapping)), None)
    if kind is None:
        return None
    event = update[kind]
    chat_id = _id(event.get("from") if kind == PRESS else event.get("chat"), "id")
    if chat_id is None or (kind in BUSINESS and _id(event.get("from"), "id") != chat_id):
        return None
    return Origin(
        chat_id,
        kind,
        update_number(update),
        _id(event, "message_id") if kind in MESSAGES else None,
    )


def _id(data: Any, key: str) -> int | None:
    value = data.get(key) if isinstance(data, Mapping) else None
    return value if type(value) is int and 0 < value < ID_LIMIT else None
