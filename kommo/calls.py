"""The calls of the Chats API as values: method, path and the very bytes to send. Pure.

References: Kommo, Connect a channel to an account; Disconnect a channel; Create chat; Send or
import messages; Update message delivery status; Send typing info; Send reactions; Chat history.
"""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

from kommo.ids import AmojoId, ChannelId, KommoChatId, ScopeId
from kommo.models import Connect, EditMessage, NewChat, NewMessage, Reaction, Typing
from kommo.payload import Payload
from kommo.statuses import DeliveryStatus, StatusField
from kommo.wire import encode

_ROOT = "/v2/origin/custom"

HISTORY_LIMIT = 50
"""Reference: Kommo, Chat history: the most rows of one page."""


@dataclass(frozen=True)
class Call:
    """One call: `path` is signed, `query` is not."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    body: bytes = b""
    query: str = ""


def connect(channel_id: ChannelId, connection: Connect) -> Call:
    """Connect the channel to an account; harmless when it is connected."""
    return _post(_path(channel_id, "connect"), connection.wire())


def disconnect(channel_id: ChannelId, account_id: AmojoId) -> Call:
    """Take the channel away from an account."""
    body = encode({"account_id": account_id})
    return Call("DELETE", _path(channel_id, "disconnect"), body)


def create_chat(scope_id: ScopeId, chat: NewChat) -> Call:
    """Create a conversation, or learn Kommo's id of one that exists."""
    return _post(_path(scope_id, "chats"), chat.wire())


def new_message(scope_id: ScopeId, message: NewMessage) -> Call:
    """Show a message."""
    return _post(_path(scope_id), _event("new_message", message))


def edit_message(scope_id: ScopeId, edit: EditMessage) -> Call:
    """Change a message, or tie our id to it."""
    return _post(_path(scope_id), _event("edit_message", edit))


def delivery_status(scope_id: ScopeId, status: DeliveryStatus, field: StatusField) -> Call:
    """Tell what became of a manager's message."""
    path = _path(scope_id, status.kommo_message_id, "delivery_status")
    return _post(path, status.wire(field))


def typing(scope_id: ScopeId, typing: Typing) -> Call:
    """Show that a client is writing."""
    return _post(_path(scope_id, "typing"), typing.wire())


def react(scope_id: ScopeId, reaction: Reaction) -> Call:
    """Put an emoji on a message, or take it away."""
    return _post(_path(scope_id, "react"), reaction.wire())


def history(scope_id: ScopeId, chat_id: KommoChatId, *, offset: int, limit: int) -> Call:
    """Read a page of a conversation, newest first."""
    query = urlencode({"offset": offset, "limit": min(limit, HISTORY_LIMIT)})
    return Call("GET", _path(scope_id, "chats", chat_id, "history"), query=query)


def _post(path: str, data: dict[str, Any]) -> Call:
    return Call("POST", path, encode(data))


def _event(event_type: str, payload: Payload) -> dict[str, Any]:
    return {"event_type": event_type, "payload": payload.wire()}


def _path(*segments: str) -> str:
    """Return a path whose segments stay what they are, whatever they contain."""
    return "/".join((_ROOT, *(_quoted(segment) for segment in segments)))


def _quoted(segment: str) -> str:
    quoted = quote(segment, safe="")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")
