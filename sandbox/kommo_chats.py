"""What each call of the Chats API does to an account, and how it is answered.

Every function takes the account, the id in the path (empty where there is none) and the
parsed body, and returns the answer's body; what Kommo would refuse raises RefusedError.
"""

from typing import Any
from uuid import uuid4

from sandbox.kommo_account import Account
from sandbox.kommo_checks import Check
from sandbox.kommo_model import (
    Conversation,
    Edit,
    Json,
    Message,
    Person,
    Reaction,
    RefusedError,
    Status,
)
from sandbox.kommo_schema import (
    CONNECT,
    DISCONNECT,
    EDIT_MESSAGE,
    EVENT,
    NEW_CHAT,
    NEW_MESSAGE,
    OTHER_ERROR,
    REACTION,
    STATUS,
    TYPING,
)

STATUS_FIELDS = ("delivery_status", "status_code")  # both are in production use
FAILED = -1


def connect(account: Account, channel_id: str, body: Json) -> Json:
    """Connect the channel to the account; again is harmless.

    Reference: Kommo, Connect a channel.
    """
    want(CONNECT, body)
    _want_account(account, body)
    account.is_connected = True
    account.title = body["title"]
    account.is_time_window_disabled = body.get("is_time_window_disabled", False)
    return {
        "account_id": account.id,
        "scope_id": f"{channel_id}_{account.id}",
        "title": account.title,
        "hook_api_version": "v2",
        "is_time_window_disabled": account.is_time_window_disabled,
    }


def disconnect(account: Account, _: str, body: Json) -> Json:
    """Disconnect the channel: no calls of the scope and no hooks from now on.

    Reference: Kommo, Disconnect a channel.
    """
    want(DISCONNECT, body)
    _want_account(account, body)
    account.is_connected = False
    return {}


def create_chat(account: Account, _: str, body: Json) -> Json:
    """Make a conversation without a message, or say which one it is.

    Reference: Kommo, Create a chat.
    """
    want(NEW_CHAT, body)
    client = account.client(body["user"])
    conversation = account.open_conversation(body["conversation_id"], client)
    _bind_source(conversation, body)
    return {"id": conversation.id, "user": client.wire()}


def send(account: Account, _: str, body: Json) -> Json:
    """Take a new message or a change of one.

    Reference: Kommo, Send or import messages.
    """
    want(EVENT, body)
    payload = body["payload"]
    if body["event_type"] == "edit_message":
        return _edit(account, payload)
    want(NEW_MESSAGE, payload)
    known = account.msgid_message(payload["msgid"])
    if known is not None:
        account.repeated += 1
        if account.repeated_msgid == "refuse":
            raise RefusedError(400, f"msgid: {payload['msgid']} is known already")
        return _sent(known)
    return _sent(_new_message(account, payload))


def _new_message(account: Account, payload: Json) -> Message:
    author = _author(account, payload)
    client = account.client(payload["receiver"] if author else payload["sender"])
    conversation = account.open_conversation(
        payload["conversation_id"], client, kommo_id=payload.get("conversation_ref_id")
    )
    quoted = payload.get("reply_to", {}).get("message", {})
    _want_quoted(account, conversation, quoted)
    _bind_source(conversation, payload)
    message = Message(
        id=str(uuid4()),
        msgid=payload["msgid"],
        conversation=conversation,
        sender=author or client,
        receiver=client if author else None,
        timestamp=payload["timestamp"],
        msec_timestamp=payload["msec_timestamp"],
        content=payload["message"],
        is_silent=payload.get("silent", False),
        source=conversation.source,
        reply_to=payload.get("reply_to"),
        forwards=payload.get("forwards"),
    )
    account.received.append(message)
    return account.add_message(message)


def _author(account: Account, payload: Json) -> Person | None:
    """Return the Kommo user (or bot) who wrote it elsewhere; None: the client did."""
    author = account.user(payload["sender"].get("ref_id", ""))
    if "receiver" in payload and author is None:
        raise RefusedError(400, "sender: user not found")
    if "receiver" not in payload and author is not None:
        raise RefusedError(400, "receiver: is required in an outgoing message")
    return author


def _want_quoted(account: Account, conversation: Conversation, quoted: Json) -> None:
    """A quoted message has to be of the same chat."""
    if "id" not in quoted and "msgid" not in quoted:
        return
    if _find(account, quoted) not in conversation.messages:
        raise RefusedError(400, "reply_to: message not found in this conversation")


def _bind_source(conversation: Conversation, payload: Json) -> None:
    """Once a message carried a source, the chat is bound to one for good."""
    conversation.source = payload.get("source", {}).get("external_id") or conversation.source


def _sent(message: Message) -> Json:
    return {
        "new_message": {
            "conversation_id": message.conversation.id,
            "sender_id": message.sender.id,
            "receiver_id": message.receiver.id if message.receiver else None,
            "msgid": message.id,
            "ref_id": message.msgid,
        }
    }


def _edit(account: Account, payload: Json) -> Json:
    want(EDIT_MESSAGE, payload)
    if "id" not in payload and "msgid" not in payload:
        raise RefusedError(400, "msgid or id: one of them is required")
    if "id" in payload:
        message = account.kommo_message(payload["id"])
    else:
        message = account.msgid_message(payload["msgid"])
    if message is None or message.conversation.client_id != payload["conversation_id"]:
        raise RefusedError(404, "no such message in this conversation")
    changes = {key: value for key, value in payload["message"].items() if key != "delivery_status"}
    status = payload["message"].get("delivery_status")
    if status is not None:
        _add_status(account, message, status)
    if "msgid" in payload:
        account.bind(message, payload["msgid"])
    if any(message.content.get(key) != value for key, value in changes.items()):
        message.content = {**message.content, **changes}
        message.is_edited = True
    account.edits.append(Edit(message, payload))
    return {}


def delivery_status(account: Account, message_id: str, body: Json) -> Json:
    """Note how far a manager's message got.

    Reference: Kommo, Update message delivery status.
    """
    want(STATUS, body)
    message = account.kommo_message(message_id)
    if message is None:
        raise RefusedError(404, "no such message")
    if message.is_incoming:
        raise RefusedError(400, "a client's own message has no delivery status")
    if body.get("msgid", message_id) != message_id:
        raise RefusedError(400, "msgid: differs from the one in the path")
    if "delivery_status" in body and "msgid" not in body:
        raise RefusedError(400, "msgid: is required beside delivery_status")
    _add_status(account, message, body)
    return {}


def _add_status(account: Account, message: Message, body: Json) -> None:
    named = {field: body[field] for field in STATUS_FIELDS if field in body}
    if len(set(named.values())) != 1:
        raise RefusedError(400, "delivery_status or status_code: exactly one value is required")
    field, code = next(iter(named.items()))
    error_code = body.get("error_code")
    if (code == FAILED) != (error_code is not None):
        raise RefusedError(400, "error_code: goes with status -1 and with nothing else")
    if error_code == OTHER_ERROR and not body.get("error"):
        raise RefusedError(400, f"error: is required with error_code {OTHER_ERROR}")
    status = Status(code, error_code, body.get("error"), field, account.now())
    message.statuses.append(status)


def typing(account: Account, _: str, body: Json) -> None:
    """Show that a client is typing; bad data is answered 404 here.

    Reference: Kommo, Typing information.
    """
    want(TYPING, body, status=404)
    conversation = account.conversation(body["conversation_id"])
    if conversation is None or conversation.client_id != body["conversation_id"]:
        raise RefusedError(404, "no such conversation")
    if conversation.client.client_id != body["sender"]["id"]:
        raise RefusedError(404, "sender: user not found")
    account.typings.append(body)


def react(account: Account, _: str, body: Json) -> Json:
    """Put a reaction on a message, or take it back; a second one replaces the first.

    Reference: Kommo, Send reactions.
    """
    want(REACTION, body)
    emoji = body.get("emoji") if body["type"] == "react" else None
    if body["type"] == "react" and emoji is None:
        raise RefusedError(400, "emoji: is required with react")
    conversation = _conversation_of(account, body)
    person = _reacting(account, body["user"])
    message = _find(account, body)
    if conversation is None or message not in conversation.messages:
        raise RefusedError(404, "no such message")
    if emoji is None:
        message.reactions.pop(person.id, None)
    else:
        message.reactions[person.id] = emoji
    account.reactions.append(Reaction(message, person, emoji))
    return {}


def _conversation_of(account: Account, body: Json) -> Conversation | None:
    if "conversation_id" not in body and "conversation_ref_id" not in body:
        raise RefusedError(400, "conversation_id or conversation_ref_id: one is required")
    if "id" not in body and "msgid" not in body:
        raise RefusedError(400, "msgid or id: one of them is required")
    return account.conversation(body.get("conversation_ref_id") or body["conversation_id"])


def _reacting(account: Account, user: Json) -> Person:
    person = account.user(user["ref_id"]) if "ref_id" in user else None
    person = person or account.person(user.get("id", ""))
    if person is None:
        raise RefusedError(400, "user: user not found")
    return person


def _find(account: Account, ids: Json) -> Message | None:
    if "id" in ids:
        return account.kommo_message(ids["id"])
    return account.msgid_message(ids["msgid"])


def history(account: Account, chat_id: str, query: Json) -> Json | None:
    """Return a part of a conversation, newest first; None when there is nothing.

    Reference: Kommo, Get chat history.
    """
    offset, limit = _count(query, "offset", 0), _count(query, "limit", 50)
    if limit > 50:  # noqa: PLR2004 - the documented maximum
        raise RefusedError(400, "limit: has to be at most 50")
    conversation = account.conversation(chat_id)
    if conversation is None or conversation.id != chat_id:
        return None
    newest = sorted(conversation.messages, key=lambda one: one.msec_timestamp, reverse=True)
    rows = [_row(message) for message in newest[offset : offset + limit]]
    return {"messages": rows} if rows else None


def _count(query: Json, name: str, default: int) -> int:
    value = str(query.get(name, default))
    if not (value.isascii() and value.isdigit()):
        raise RefusedError(400, f"{name}: has to be a whole number")
    return int(value)


def _row(message: Message) -> Json:
    empty: Json = {"text": "", "media": "", "thumbnail": "", "file_name": "", "file_size": 0}
    return {
        "timestamp": message.timestamp,
        "msec_timestamp": message.msec_timestamp,
        "sender": message.sender.wire(),
        **({"receiver": message.receiver.wire()} if message.receiver else {}),
        "message": {
            "id": message.id,
            **({"client_id": message.msgid} if message.msgid else {}),
            **empty,
            **message.content,
        },
    }


def want(check: Check, value: Any, *, status: int = 400) -> None:
    """Refuse what is not of the documented shape, naming every problem."""
    problems = list(check(value, ""))
    if problems:
        raise RefusedError(status, "; ".join(problems))


def _want_account(account: Account, body: Json) -> None:
    if body["account_id"] != account.id:
        raise RefusedError(403, "the account may not use this channel")
