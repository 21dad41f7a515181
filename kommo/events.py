"""Webhook body → what it says. Pure.

A webhook comes once, so nothing in it is lost: what this version does not know, or what lacks
something it cannot do without, is an `UnknownEvent` that is stored as it came.
Reference: Kommo, Receiving chat webhooks.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kommo.answers import Participant, participant
from kommo.body import NOTHING, Body, body
from kommo.errors import PayloadError
from kommo.ids import (
    AmojoId,
    ConversationId,
    ExternalMessageId,
    KommoChatId,
    KommoMessageId,
    KommoUserId,
    ParticipantId,
    SourceId,
)
from kommo.markup import Markup, Template, markup, template
from kommo.quotes import ForwardedMessages, QuotedMessage, forwarded, quoted
from kommo.wire import Fields, decode


@dataclass(frozen=True)
class ManagerMessage:
    """A manager wrote to a client.

    Args:
        kommo_chat_id: Kommo's id of the conversation; this one or ours is there.
        conversation_id: None when the manager wrote first, to a phone number.
        media_group_id: shared by the parts of one message with several attachments.
        is_dated: whether `at` is when it was written, not only when its webhook was made.
    """

    kommo_message_id: KommoMessageId
    kommo_chat_id: KommoChatId | None
    conversation_id: ConversationId | None
    receiver: Participant
    sender: Participant
    at: datetime
    body: Body = NOTHING
    account_id: AmojoId | None = None
    time: datetime | None = None
    source_id: SourceId | None = None
    media_group_id: str | None = None
    markup: Markup | None = None
    template: Template | None = None
    reply_to: QuotedMessage | None = None
    forwards: ForwardedMessages | None = None
    is_dated: bool = True

    @property
    def dedupe_key(self) -> str:
        """Return what makes a repetition recognisable."""
        return f"message:{self.kommo_message_id}"


@dataclass(frozen=True)
class ManagerTyping:
    """A manager is writing; said at most every five seconds."""

    digest: str
    kommo_chat_id: KommoChatId | None
    conversation_id: ConversationId | None
    user_id: KommoUserId | None = None
    account_id: AmojoId | None = None
    time: datetime | None = None
    expires_at: datetime | None = None

    @property
    def dedupe_key(self) -> str:
        """Return what makes a repetition recognisable."""
        return f"typing:{self.digest}"


@dataclass(frozen=True)
class ManagerReaction:
    """A manager put an emoji on a message, or took it away.

    It names a message by either side's id; the older form names no more than that.
    """

    digest: str
    kommo_message_id: KommoMessageId | None
    external_id: ExternalMessageId | None
    kommo_chat_id: KommoChatId | None
    conversation_id: ConversationId | None
    type: Literal["react", "unreact"]
    emoji: str | None = None
    user_id: KommoUserId | None = None
    account_id: AmojoId | None = None
    time: datetime | None = None

    @property
    def dedupe_key(self) -> str:
        """Return what makes a repetition recognisable."""
        return f"reaction:{self.digest}"


@dataclass(frozen=True)
class LegacyMessage:
    """A manager's message in the first version of webhooks, without an id of Kommo's."""

    digest: str
    conversation_id: ConversationId
    receiver_id: ParticipantId
    body: Body = NOTHING
    at: datetime | None = None

    @property
    def dedupe_key(self) -> str:
        """Return what makes a repetition recognisable."""
        return f"legacy:{self.digest}"


@dataclass(frozen=True)
class UnknownEvent:
    """An event that this version cannot read: its keys, and why."""

    digest: str
    keys: tuple[str, ...]
    reason: str
    account_id: AmojoId | None = None

    @property
    def dedupe_key(self) -> str:
        """Return what makes a repetition recognisable."""
        return f"unknown:{self.digest}"


Event = ManagerMessage | ManagerTyping | ManagerReaction | LegacyMessage | UnknownEvent


def parse_event(content: bytes) -> Event:
    """Read a webhook.

    Raises:
        PayloadError: the body is not a JSON object.
    """
    fields = decode(content)
    digest = hashlib.sha256(content.strip()).hexdigest()
    try:
        return _reader(fields)(fields, digest)
    except PayloadError as error:
        return UnknownEvent(
            digest=digest,
            keys=tuple(sorted(fields.data)),
            reason=str(error),
            account_id=_account(fields),
        )


def _reader(fields: Fields) -> Callable[[Fields, str], Event]:
    """Return what reads this kind of event.

    Raises:
        PayloadError: the kind is not known.
    """
    action = fields.child("action")
    if fields.child("message"):
        return _manager_message
    if action.child("typing"):
        return _manager_typing
    if action.child("reaction"):
        return _manager_reaction
    if fields.optional("receiver"):
        return _legacy_message
    raise PayloadError("this kind of event is not known")


def _manager_message(fields: Fields, _digest: str) -> ManagerMessage:
    envelope = fields.child("message")
    message = envelope.child("message")
    reply_to = quoted(message.child("reply_to").child("message"))
    kommo_chat_id, conversation_id = _conversation(envelope, is_needed=not _is_named(reply_to))
    source_id = envelope.child("source").optional("external_id")
    return ManagerMessage(
        account_id=_account(fields),
        time=fields.seconds("time"),
        kommo_message_id=KommoMessageId(message.required("id")),
        kommo_chat_id=kommo_chat_id,
        conversation_id=conversation_id,
        receiver=participant(envelope.child("receiver")),
        sender=participant(envelope.child("sender")),
        source_id=SourceId(source_id) if source_id else None,
        at=_moment(envelope, fields),
        is_dated=envelope.moment() is not None,
        body=body(message),
        media_group_id=message.optional("media_group_id"),
        markup=markup(message.child("markup")),
        template=template(message.child("template")),
        reply_to=reply_to,
        forwards=forwarded(message.child("forwards")),
    )


def _manager_typing(fields: Fields, digest: str) -> ManagerTyping:
    typing = fields.child("action").child("typing")
    kommo_chat_id, conversation_id = _conversation(typing, is_needed=True)
    return ManagerTyping(
        digest=digest,
        account_id=_account(fields),
        time=fields.seconds("time"),
        kommo_chat_id=kommo_chat_id,
        conversation_id=conversation_id,
        user_id=participant(typing.child("user")).kommo_id,
        expires_at=typing.seconds("expired_at"),
    )


def _manager_reaction(fields: Fields, digest: str) -> ManagerReaction:
    """Read a reaction; until September 2023 it named its message by `msgid` alone."""
    reaction = fields.child("action").child("reaction")
    message = reaction.child("message")
    external_id = message.optional("client_id")
    message_id = message.optional("id") or reaction.optional("msgid")
    if message_id is None and external_id is None:
        reaction.required("msgid")
    kommo_chat_id, conversation_id = _conversation(reaction, is_needed=False)
    kind = _reaction_type(reaction)
    return ManagerReaction(
        digest=digest,
        account_id=_account(fields),
        time=fields.seconds("time"),
        kommo_message_id=KommoMessageId(message_id) if message_id else None,
        external_id=ExternalMessageId(external_id) if external_id else None,
        kommo_chat_id=kommo_chat_id,
        conversation_id=conversation_id,
        user_id=participant(reaction.child("user")).kommo_id,
        type=kind,
        emoji=reaction.required("emoji") if kind == "react" else reaction.optional("emoji"),
    )


def _legacy_message(fields: Fields, digest: str) -> LegacyMessage:
    return LegacyMessage(
        digest=digest,
        conversation_id=ConversationId(fields.required("conversation_id")),
        receiver_id=ParticipantId(fields.required("receiver")),
        body=body(fields),
        at=fields.moment(),
    )


def _account(fields: Fields) -> AmojoId | None:
    account_id = fields.optional("account_id")
    return AmojoId(account_id) if account_id else None


def _conversation(
    fields: Fields, *, is_needed: bool
) -> tuple[KommoChatId | None, ConversationId | None]:
    """Return both ids of a conversation; ours is absent until Kommo was told it.

    Raises:
        PayloadError: both are absent, and nothing else tells the conversation.
    """
    conversation = fields.child("conversation")
    ours, kommos = conversation.optional("client_id"), conversation.optional("id")
    if is_needed and not ours:
        conversation.required("id")
    return KommoChatId(kommos) if kommos else None, ConversationId(ours) if ours else None


def _is_named(quote: QuotedMessage | None) -> bool:
    """Tell whether a quote says which message it is."""
    return quote is not None and bool(quote.kommo_message_id or quote.external_id)


def _moment(envelope: Fields, fields: Fields) -> datetime:
    """Return when a message was written, or else when its webhook was made."""
    moment = envelope.moment() or fields.seconds("time")
    if moment is None:
        raise PayloadError("message.msec_timestamp is missing")
    return moment


def _reaction_type(reaction: Fields) -> Literal["react", "unreact"]:
    match reaction.required("type"):
        case "react":
            return "react"
        case "unreact":
            return "unreact"
        case _:
            raise PayloadError("this type of reaction is not known")
