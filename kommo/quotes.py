"""Messages inside a webhook's message: the one it answers, and those it forwards."""

from dataclasses import dataclass
from datetime import datetime

from kommo.answers import Participant, participant
from kommo.body import NOTHING, Body, body
from kommo.ids import ExternalMessageId, KommoChatId, KommoMessageId
from kommo.wire import Fields


@dataclass(frozen=True)
class QuotedMessage:
    """A message inside another one."""

    kommo_message_id: KommoMessageId | None = None
    external_id: ExternalMessageId | None = None
    body: Body = NOTHING
    at: datetime | None = None
    sender: Participant | None = None


@dataclass(frozen=True)
class ForwardedMessages:
    """Messages forwarded from a conversation, possibly another one."""

    messages: tuple[QuotedMessage, ...]
    kommo_chat_id: KommoChatId | None = None


def quoted(fields: Fields) -> QuotedMessage | None:
    """Read a message inside another one; None when there is none."""
    if not fields:
        return None
    kommo_id, external_id = fields.optional("id"), fields.optional("msgid")
    sender = fields.child("sender")
    return QuotedMessage(
        kommo_message_id=KommoMessageId(kommo_id) if kommo_id else None,
        external_id=ExternalMessageId(external_id) if external_id else None,
        body=body(fields),
        at=fields.moment(),
        sender=participant(sender) if sender else None,
    )


def forwarded(fields: Fields) -> ForwardedMessages | None:
    """Read forwarded messages; None when there are none."""
    messages = [quoted(message) for message in fields.children("messages")]
    known = tuple(message for message in messages if message is not None)
    chat_id = fields.optional("conversation_ref_id")
    if not known:
        return None
    return ForwardedMessages(known, KommoChatId(chat_id) if chat_id else None)
