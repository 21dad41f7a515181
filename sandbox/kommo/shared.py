"""Helpers that the calls of the Chats API share."""

from typing import Any

from sandbox.kommo.account import Account
from sandbox.kommo.checks import Check
from sandbox.kommo.model import Conversation, Json, Message, RefusedError

SHOWN = (  # what history and quotes tell of a message
    "type",
    "text",
    "media",
    "thumbnail",
    "file_name",
    "file_size",
    "media_group_id",
    "location",
    "contact",
)


def error_body(status: int, reason: str, error_type: str = "Error") -> Json:
    """Return the body of a refusal. Reference: Kommo, HTTP codes."""
    told = {"error_code": status, "error_type": error_type, "error_description": reason}
    return {"status": 0, **told}


def shown(message: Message) -> Json:
    """Return the content of a message without what is not shown again."""
    return {key: message.content[key] for key in SHOWN if key in message.content}


def want(check: Check, value: Any, *, status: int = 400) -> None:
    """Refuse what is not of the documented shape, naming every problem."""
    problems = list(check(value, ""))
    if problems:
        raise RefusedError(status, "; ".join(problems))


def find(account: Account, ids: Json) -> Message | None:
    """Return the message of Kommo's `id`, or else of the integration's `msgid`."""
    if "id" in ids:
        return account.kommo_message(ids["id"])
    return account.msgid_message(ids["msgid"])


def bind_source(conversation: Conversation, payload: Json) -> None:
    """Once a message carried a source, the chat is bound to one for good."""
    conversation.source = payload.get("source", {}).get("external_id") or conversation.source
