"""What the calls of the Chats API share."""

from typing import Any

from sandbox.kommo_account import Account
from sandbox.kommo_checks import Check
from sandbox.kommo_model import Conversation, Json, Message, RefusedError


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
