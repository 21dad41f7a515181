"""The calls of the Chats API: their effect on an account, and their answers.

Every function takes the account, the id in the path (empty where there is none) and the
parsed body, and returns the answer's body; what Kommo would refuse raises RefusedError.
"""

from sandbox.kommo.account import Account
from sandbox.kommo.model import (
    Conversation,
    Json,
    Message,
    Person,
    Reaction,
    RefusedError,
)
from sandbox.kommo.schema import (
    CONNECT,
    DISCONNECT,
    NEW_CHAT,
    REACTION,
    TYPING,
)
from sandbox.kommo.shared import bind_source, find, shown, want

HISTORY_LIMIT = 50  # rows of one answer


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
    bind_source(conversation, body)
    return {"id": conversation.id, "user": client.wire()}


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
    message = find(account, body)
    if message is None or message.conversation is not conversation:
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


def history(account: Account, chat_id: str, query: Json) -> Json | None:
    """Return a part of a conversation, newest first; None when there is nothing.

    Reference: Kommo, Get chat history.
    """
    offset, limit = _count(query, "offset", 0), _count(query, "limit", HISTORY_LIMIT)
    if limit > HISTORY_LIMIT:
        raise RefusedError(400, f"limit: has to be at most {HISTORY_LIMIT}")
    conversation = account.conversation(chat_id)
    if conversation is None or conversation.id != chat_id:
        return None
    oldest = sorted(conversation.messages, key=lambda one: one.msec_timestamp)
    rows = [_row(message) for message in oldest[::-1][offset : offset + limit]]
    if not account.tells_milliseconds:
        rows = [{**row, "msec_timestamp": 0} for row in rows]
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
            **shown(message),
        },
    }


def _want_account(account: Account, body: Json) -> None:
    if body["account_id"] != account.id:
        raise RefusedError(403, "the account may not use this channel")
