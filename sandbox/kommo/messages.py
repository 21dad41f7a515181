"""Messages of the Chats API: new ones, changes, and how far the manager's got."""

from uuid import uuid4

from sandbox.kommo.account import Account
from sandbox.kommo.model import (
    Conversation,
    Edit,
    Json,
    Message,
    Person,
    RefusedError,
    Status,
)
from sandbox.kommo.schema import (
    EDIT_MESSAGE,
    EVENT,
    NEW_MESSAGE,
    OTHER_ERROR,
    STATUS,
)
from sandbox.kommo.shared import bind_source, find, want

STATUS_FIELDS = ("delivery_status", "status_code")  # both are in production use
FAILED = -1


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
    bind_source(conversation, payload)
    content = dict(payload["message"])
    status = _old_status(account, author, content.pop("delivery_status", None))
    message = Message(
        id=str(uuid4()),
        msgid=payload["msgid"],
        conversation=conversation,
        sender=author or client,
        receiver=client if author else None,
        timestamp=payload["timestamp"],
        msec_timestamp=payload["msec_timestamp"],
        content=content,
        is_silent=payload.get("silent", False),
        source=conversation.source,
        reply_to=payload.get("reply_to"),
        forwards=payload.get("forwards"),
    )
    if status is not None:
        code, error_code = status["status_code"], status.get("error_code")
        told = Status(code, error_code, status.get("error"), "status_code", account.now())
        message.statuses.append(told)
    account.received.append(message)
    return account.add_message(message)


def _old_status(account: Account, author: Person | None, status: Json | None) -> Json | None:
    """Return how far a message got that was written elsewhere, to a client.

    Reference: Kommo, Send or import messages; API changelog, February 2026.
    """
    if status is None:
        return None
    if author is None:
        raise RefusedError(400, "message.delivery_status: a client's own message has none")
    if not account.takes_old_status:
        raise RefusedError(400, "message.delivery_status: is not expected here")
    if (status["status_code"] == FAILED) != ("error_code" in status):
        raise RefusedError(400, "error_code: goes with status -1 and with nothing else")
    return status


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
    message = find(account, quoted)
    if message is None or message.conversation is not conversation:
        raise RefusedError(400, "reply_to: message not found in this conversation")


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
    if "msgid" in payload:
        account.bind(message, payload["msgid"])
    if status is not None:
        _add_status(account, message, status)
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
    if account.status_field != "both" and set(named) != {account.status_field}:
        raise RefusedError(400, f"{account.status_field}: is required, and nothing in its place")
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
