"""Whose an update is, read from its plainest fields. Pure. Reference: Bot API, Update."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.translate.ids import ID_LIMIT

MESSAGES = ("message", "edited_message")
KINDS = (*MESSAGES, "callback_query", "message_reaction", "my_chat_member")


@dataclass(frozen=True)
class Origin:
    """Which client an update is of.

    Args:
        chat_id: the client's number.
        message_id: of the message that the client wrote or edited; None for anything else.
    """

    chat_id: int
    message_id: int | None = None


def origin(update: Mapping[str, Any]) -> Origin | None:
    """Return whose an update is; None where it names no private chat."""
    kind = next((one for one in KINDS if isinstance(update.get(one), Mapping)), None)
    if kind is None:
        return None
    event = update[kind]
    is_press = kind == "callback_query"
    chat_id = _id(event.get("from") if is_press else event.get("chat"), "id")
    if chat_id is None:
        return None
    return Origin(chat_id, _id(event, "message_id") if kind in MESSAGES else None)


def _id(data: Any, key: str) -> int | None:
    value = data.get(key) if isinstance(data, Mapping) else None
    return value if type(value) is int and 0 < value < ID_LIMIT else None
