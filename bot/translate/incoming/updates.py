"""What Telegram sends → an update with all of it that can be read. Pure.

Reference: Bot API, Update.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiogram.enums import ContentType
from aiogram.types import Message, Update

from bot.translate.incoming.lenient import Path, reading
from bot.translate.incoming.rich import RAW_FIELD, set_aside
from bot.translate.text import whole

USED = (
    "message", "edited_message", "callback_query", "message_reaction",
    "my_chat_member",
)  # fmt: skip
"""Kinds of updates that the bridge does something with; of others nothing needs to be readable."""

CONTENT = frozenset(kind.value for kind in ContentType)
"""The fields of a message that can be what it says."""

OF_MESSAGE = 3
"""How long a path is that leads to a member of a list of a message, such as a size of a photo."""


class UnreadableError(ValueError):
    """Raised when what an update is about cannot be read."""


def read_update(raw: Mapping[str, Any]) -> Update:
    """Return an update with all of it that can be read.

    Raises:
        UnreadableError: what it is about cannot be read.
    """
    found = reading(Update, set_aside(_encodable(raw)))
    update = found.model
    if update is None:
        raise UnreadableError("it lacks what it cannot do without")
    for kind in USED:
        if raw.get(kind) is not None and getattr(update, kind) is None:
            raise UnreadableError(f"its {kind} cannot be read")
    message = update.message or update.edited_message
    if message is not None and _lost_its_content(message, found.left_out):
        raise UnreadableError("what its message says cannot be read")
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
