"""Identify new clients by invitation or shared number, and greet them.

All of it is stored with the message that told it, ahead of it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.queue.enqueue import Enqueue
from bot.queue.items import ContactLink, contact_link_key
from bot.translate.incoming.messages import ClientMessage
from bot.translate.incoming.starts import is_quiet, start_line
from bot.translate.languages import Language
from kommo.content import Content
from storage.database import Transaction

FIRST_START = "start"
PHONE_PATIENCE = timedelta(seconds=20)
"""How long a first, bare start waits for the number that the welcome asks for."""


@dataclass(frozen=True)
class PeopleSettings:
    """What is done about new clients.

    Args:
        can_link: whether there is a REST API to find contacts with.
        has_welcome: whether new clients are greeted.
        asks_phone: whether they are asked for their number.
        language: of what managers read.
    """

    can_link: bool = False
    has_welcome: bool = False
    asks_phone: bool = False
    language: Language = "en"


async def meet(
    tx: Transaction,
    enqueue: Enqueue,
    message: ClientMessage,
    settings: PeopleSettings,
    *,
    is_new: bool,
    has_spoken: bool,
) -> ClientMessage:
    """Store what a message tells of who wrote it; return the message as managers see it."""
    conversation_id = message.address.conversation_id
    contact_id = None
    is_new = is_new and message.address.business_user_id == 0
    if message.start:
        contact_id = await tx.invitations.open(message.start, conversation_id, now=tx.now)
    if is_new and settings.has_welcome:
        await enqueue.welcome(conversation_id=conversation_id)
    if settings.can_link:
        await tx.to_kommo.hasten(contact_link_key(conversation_id, FIRST_START), now=tx.now)
        await _link(tx, enqueue, message, settings, contact_id, is_new=is_new)
    if message.start is None:
        return message
    line = start_line(message.start, settings.language, is_invited=contact_id is not None)
    shown = message.payload.model_copy(
        update={
            "content": Content(type="text", text=line),
            "silent": is_quiet(line, has_spoken=has_spoken),
        }
    )
    return replace(message, payloads=(shown, *message.payloads[1:]))


async def _link(
    tx: Transaction,
    enqueue: Enqueue,
    message: ClientMessage,
    settings: PeopleSettings,
    contact_id: int | None,
    *,
    is_new: bool,
) -> None:
    """Enqueue a link ahead of the message, if it tells who wrote it, or may soon be told."""
    phone = message.phone or (await _known_phone(tx, message) if is_new else None)
    reason, not_before = phone, None
    if contact_id is not None:
        reason = message.start
    elif phone is None and is_new and settings.asks_phone and message.start is not None:
        reason, not_before = FIRST_START, tx.now + PHONE_PATIENCE
    if reason is not None:
        await enqueue.contact_link(
            ContactLink(contact_id=contact_id),
            conversation_id=message.address.conversation_id,
            reason=reason,
            not_before=not_before,
        )


async def _known_phone(tx: Transaction, message: ClientMessage) -> str | None:
    """Return the number that the client told another bot, and make it this conversation's too."""
    phone = await tx.conversations.phone_of_person(message.address.chat_id)
    if phone is not None:
        await tx.conversations.set_phone(message.address.conversation_id, phone)
    return phone
