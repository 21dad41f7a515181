"""Models of our calls to Kommo, in our words; `wire()` returns Kommo's.

The models are also what waits in the queue to Kommo: they read back what `model_dump_json`
wrote, and ignore keys that a newer version added.
References: Kommo, Send or import messages; Create chat; Update message delivery status; Send
typing info; Send reactions; Connect a channel to an account.
"""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import (
    model_validator,
)

from kommo.content import MEDIA_TYPES, Content
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
from kommo.payload import Moment, Payload, Source, Text
from kommo.people import Person
from kommo.statuses import StatusCode
from kommo.wire import milliseconds, present

DEFAULT_TYPING_MS = 5000


class QuoteAuthor(Payload):
    """Who wrote a quoted message; one of the three is enough."""

    id: ParticipantId | None = None
    ref_id: KommoUserId | None = None
    name: Text | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self._require_one_of("id", "ref_id", "name")
        return self


class Quote(Payload):
    """A message inside another one: by either id, or else by all it says."""

    external_id: ExternalMessageId | None = None
    kommo_message_id: KommoMessageId | None = None
    content: Content | None = None
    at: Moment | None = None
    sender: QuoteAuthor | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        is_described = self.content and self.at and self.sender
        if not is_described:
            self._require_one_of("external_id", "kommo_message_id")
        return self

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words."""
        content = self.content.wire() if self.content else {}
        for unknown in ("media", "sticker_id", "callback_data"):
            content.pop(unknown, None)
        return present(
            {
                "id": self.kommo_message_id,
                "msgid": self.external_id,
                **content,
                **(_times(self.at) if self.at else {}),
                "sender": self.sender and self.sender.wire(),
            }
        )


class Forwards(Payload):
    """A message forwarded from a conversation, possibly another one."""

    message: Quote
    conversation_id: ConversationId | None = None
    kommo_chat_id: KommoChatId | None = None

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words: a list of at most one message."""
        return present(
            {
                "messages": [self.message.wire()],
                "conversation_id": self.conversation_id,
                "conversation_ref_id": self.kommo_chat_id,
            }
        )


class NewMessage(Payload):
    """A message to show in Kommo: of a client, or written to a client outside Kommo.

    Args:
        at: decides the order in the conversation, to the millisecond.
        kommo_chat_id: once, after a manager wrote first.
        silent: neither lead nor notification; for imports, and for what the client did not say.
        sender: the client; or, with `ref_id`, the Kommo user or the channel's bot.
        receiver: the client, and only when the sender is not.
        status: how far a message to the client got that was written long ago.
    """

    at: Moment
    external_id: ExternalMessageId
    conversation_id: ConversationId
    sender: Person
    content: Content
    kommo_chat_id: KommoChatId | None = None
    silent: bool = False
    source_id: Source | None = None
    receiver: Person | None = None
    reply_to: Quote | None = None
    forwards: Forwards | None = None
    status: StatusCode | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.content.type in MEDIA_TYPES and not self.content.media:
            raise ValueError(f"media is required for a {self.content.type}")
        if self.receiver and not self.sender.ref_id:
            raise ValueError("a message to a client needs the sender's ref_id")
        return self

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words."""
        return present(
            {
                **_times(self.at),
                "msgid": self.external_id,
                "conversation_id": self.conversation_id,
                "conversation_ref_id": self.kommo_chat_id,
                "silent": self.silent,
                "source": _source(self.source_id),
                "sender": self.sender.wire(),
                "receiver": self.receiver and self.receiver.wire(),
                "message": {**self.content.wire(), **self._status()},
                "reply_to": self.reply_to and {"message": self.reply_to.wire()},
                "forwards": self.forwards and self.forwards.wire(),
            }
        )

    def _status(self) -> dict[str, Any]:
        """Return the status of a message that was written long ago.

        Reference: Kommo, Send or import messages (delivery_status); API changelog, February 2026.
        """
        return (
            {} if self.status is None else {"delivery_status": {"status_code": int(self.status)}}
        )


class EditMessage(Payload):
    """A change of a message; with both ids, also what ties ours to a message born in Kommo."""

    at: Moment
    conversation_id: ConversationId
    content: Content
    external_id: ExternalMessageId | None = None
    kommo_message_id: KommoMessageId | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self._require_one_of("external_id", "kommo_message_id")
        return self

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words."""
        return present(
            {
                **_times(self.at),
                "id": self.kommo_message_id,
                "msgid": self.external_id,
                "conversation_id": self.conversation_id,
                "message": self.content.wire(),
            }
        )


class Typing(Payload):
    """A client is writing."""

    conversation_id: ConversationId
    sender_id: ParticipantId
    duration_ms: int = DEFAULT_TYPING_MS

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words."""
        return {
            "conversation_id": self.conversation_id,
            "sender": {"id": self.sender_id},
            "duration_ms": self.duration_ms,
        }


class Reaction(Payload):
    """Somebody put an emoji on a message, or took it away.

    Args:
        user_id: of a client.
        user_ref_id: of a manager.
        emoji: required with `react`.
    """

    type: Literal["react", "unreact"]
    emoji: Text | None = None
    conversation_id: ConversationId | None = None
    kommo_chat_id: KommoChatId | None = None
    external_id: ExternalMessageId | None = None
    kommo_message_id: KommoMessageId | None = None
    user_id: ParticipantId | None = None
    user_ref_id: KommoUserId | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self._require_one_of("conversation_id", "kommo_chat_id")
        self._require_one_of("external_id", "kommo_message_id")
        self._require_one_of("user_id", "user_ref_id")
        if self.type == "react":
            self._require_one_of("emoji")
        return self

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words."""
        return present(
            {
                "conversation_id": self.conversation_id,
                "conversation_ref_id": self.kommo_chat_id,
                "msgid": self.external_id,
                "id": self.kommo_message_id,
                "user": present({"id": self.user_id, "ref_id": self.user_ref_id}),
                "type": self.type,
                "emoji": self.emoji,
            }
        )


class NewChat(Payload):
    """A conversation to create before its first message, so that no new lead is made."""

    conversation_id: ConversationId
    user: Person
    source_id: Source | None = None

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words."""
        return present(
            {
                "conversation_id": self.conversation_id,
                "source": _source(self.source_id),
                "user": self.user.wire(),
            }
        )


class Connect(Payload):
    """The channel's connection to an account, as the users of the account see it."""

    account_id: AmojoId
    title: Text
    is_time_window_disabled: bool | None = None

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words; webhooks are read in their second version only."""
        return {**super().wire(), "hook_api_version": "v2"}


def _times(at: datetime) -> dict[str, int]:
    unix_ms = milliseconds(at)
    return {"timestamp": unix_ms // 1000, "msec_timestamp": unix_ms}


def _source(source_id: SourceId | None) -> dict[str, SourceId] | None:
    return {"external_id": source_id} if source_id else None
