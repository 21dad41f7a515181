"""Webhooks made from a chat's history, instead of those that never came."""

import json

from kommo.answers import HistoryMessage
from kommo.errors import PayloadError
from kommo.ids import AmojoId, ConversationId, KommoChatId
from kommo.wire import decode

HISTORY_KEYS = ("receiver", "sender", "timestamp", "msec_timestamp", "message")


def webhook_of(
    message: HistoryMessage,
    *,
    account_id: AmojoId | None,
    kommo_chat_id: KommoChatId,
    conversation_id: ConversationId,
) -> bytes:
    """Return the webhook that would have told of a manager's message in a chat's history.

    History tells neither buttons nor quotes nor templates. `read_back` is ours: it says where
    the body comes from. Reference: Kommo, Chat history; Receiving chat webhooks.
    """
    row = message.raw
    told = {key: row[key] for key in HISTORY_KEYS if key in row}
    conversation = {"id": kommo_chat_id, "client_id": conversation_id}
    return json.dumps(
        {
            "account_id": account_id,
            "time": int(message.at.timestamp()),
            "read_back": True,
            "message": {**told, "conversation": conversation},
        },
        separators=(",", ":"),
    ).encode()


def is_read_back(body: str) -> bool:
    """Tell whether a stored webhook was made from a chat's history."""
    try:
        return decode(body.encode()).data.get("read_back") is True
    except PayloadError:
        return False
