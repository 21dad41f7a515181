"""Kommo's answers in our words, and the readers for each.

Answers are read like webhooks: tolerant of what is absent, strict only about what a caller
cannot do without.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kommo.body import Body, body
from kommo.errors import PayloadError
from kommo.ids import (
    AmojoId,
    ExternalMessageId,
    KommoChatId,
    KommoMessageId,
    KommoUserId,
    ParticipantId,
    ScopeId,
)
from kommo.models import NewMessage
from kommo.wire import Fields, decode


@dataclass(frozen=True)
class Participant:
    """A person as Kommo names them; what Kommo left out is None or empty."""

    kommo_id: KommoUserId | None
    external_id: ParticipantId | None = None
    name: str = ""
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class ConnectedChannel:
    """A channel connected to an account."""

    scope_id: ScopeId
    account_id: AmojoId | None
    title: str
    hook_api_version: str
    is_time_window_disabled: bool | None = None


@dataclass(frozen=True)
class SentMessage:
    """A message that Kommo accepted, with as many of its ids as the answer told."""

    kommo_message_id: KommoMessageId | None = None
    kommo_chat_id: KommoChatId | None = None
    sender_id: KommoUserId | None = None
    receiver_id: KommoUserId | None = None


@dataclass(frozen=True)
class CreatedChat:
    """A conversation that exists in Kommo."""

    kommo_chat_id: KommoChatId
    user_id: KommoUserId | None = None


@dataclass(frozen=True)
class HistoryMessage:
    """A message of a conversation as Kommo keeps it; `raw` is the row exactly as it came."""

    at: datetime
    sender: Participant
    receiver: Participant | None
    kommo_message_id: KommoMessageId
    external_id: ExternalMessageId | None
    body: Body
    media_group_id: str | None
    raw: dict[str, Any]


class HistoryPage(list[HistoryMessage]):
    """The messages of a page that can be read; `told` is how many rows it had."""

    def __init__(self, messages: Iterable[HistoryMessage] = (), *, told: int = 0) -> None:
        super().__init__(messages)
        self.told = told


def connection(body: bytes) -> ConnectedChannel:
    """Read the answer to connect.

    Reference: Kommo, Connect a channel to an account.

    Raises:
        PayloadError: it names no scope.
    """
    fields = decode(body)
    account_id = fields.optional("account_id")
    is_disabled = fields.data.get("is_time_window_disabled")
    return ConnectedChannel(
        scope_id=ScopeId(fields.required("scope_id")),
        account_id=AmojoId(account_id) if account_id else None,
        title=fields.text("title"),
        hook_api_version=fields.text("hook_api_version"),
        is_time_window_disabled=is_disabled if isinstance(is_disabled, bool) else None,
    )


def nothing(body: bytes) -> None:
    """Read the answer to a call that says nothing but that it succeeded.

    Reference: Kommo, Update message delivery status; Send reactions (200 with nothing, or `{}`).

    Raises:
        PayloadError: it says something else, as the page of a proxy does.
    """
    if body.strip():
        decode(body)


def sent_message(body: bytes, message: NewMessage) -> SentMessage:
    """Read the answer to a new message; ids that it does not tell are None.

    Kommo's examples disagree on whose ids of conversation and sender are told: ours are left out.
    Reference: Kommo, Send or import messages.

    Raises:
        PayloadError: it is not Kommo's, so that nobody knows whether the message was taken:
            whoever else answers in JSON speaks of something else.
    """
    answer = decode(body)
    if answer and "new_message" not in answer.data:
        raise PayloadError("it speaks of no new_message")
    fields = answer.child("new_message")
    message_id = fields.optional("msgid")
    chat_id = fields.optional("conversation_id")
    is_kommos = chat_id and chat_id != message.conversation_id
    return SentMessage(
        kommo_message_id=KommoMessageId(message_id) if message_id else None,
        kommo_chat_id=KommoChatId(chat_id) if chat_id and is_kommos else None,
        sender_id=_foreign(fields.optional("sender_id"), message.sender.id),
        receiver_id=_foreign(
            fields.optional("receiver_id"), message.receiver.id if message.receiver else None
        ),
    )


def created_chat(body: bytes) -> CreatedChat:
    """Read the answer to create chat.

    Reference: Kommo, Create chat.

    Raises:
        PayloadError: it names no chat.
    """
    fields = decode(body)
    return CreatedChat(
        kommo_chat_id=KommoChatId(fields.required("id")),
        user_id=participant(fields.child("user")).kommo_id,
    )


def history(body: bytes) -> HistoryPage:
    """Read a page of a chat's history; a row without id or time is of no use, and left out.

    An empty body is the answer for a chat that is unknown or has no messages.
    Reference: Kommo, Chat history.

    Raises:
        PayloadError: it is not Kommo's: it does not prove that there are no messages.
    """
    fields = decode(body) if body.strip() else Fields({})
    if fields and "messages" not in fields.data:
        raise PayloadError("it tells no messages")
    rows = fields.children("messages")
    read = (message for row in rows if (message := _history_message(row)) is not None)
    return HistoryPage(read, told=len(fields.elements("messages")))


def participant(fields: Fields) -> Participant:
    """Read a person; older answers keep phone and e-mail in a profile."""
    profile = fields.child("profile")
    kommo_id, external_id = fields.optional("id"), fields.optional("client_id")
    return Participant(
        kommo_id=KommoUserId(kommo_id) if kommo_id else None,
        external_id=ParticipantId(external_id) if external_id else None,
        name=fields.text("name"),
        phone=fields.optional("phone") or profile.optional("phone"),
        email=fields.optional("email") or profile.optional("email"),
    )


def _history_message(row: Fields) -> HistoryMessage | None:
    message, at = row.child("message"), row.moment()
    message_id, external_id = message.optional("id"), message.optional("client_id")
    if message_id is None or at is None:
        return None
    receiver = row.child("receiver")
    return HistoryMessage(
        at=at,
        sender=participant(row.child("sender")),
        receiver=participant(receiver) if receiver else None,
        kommo_message_id=KommoMessageId(message_id),
        external_id=ExternalMessageId(external_id) if external_id else None,
        body=body(message),
        media_group_id=message.optional("media_group_id"),
        raw=row.data,
    )


def _foreign(told: str | None, ours: ParticipantId | None) -> KommoUserId | None:
    """Return an id unless it is our own."""
    return KommoUserId(told) if told and told != ours else None
