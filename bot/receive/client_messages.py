"""Store what clients write: messages with their conversation and quote, and edits."""

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.queue.enqueue import Enqueue
from bot.queue.items import Lifetimes
from bot.receive.new_clients import PeopleSettings, meet
from bot.translate.company import Company
from bot.translate.files import MediaUrl
from bot.translate.ids import ChatAddress, quote
from bot.translate.incoming import messages, unreadable
from bot.translate.incoming.messages import ClientEdit, ClientMessage
from bot.translate.languages import Language
from kommo.ids import KommoMessageId, SourceId
from kommo.models import EditMessage, NewMessage, Quote
from kommo.people import Profile
from kommo.statuses import StatusCode
from storage.conversations import Conversation
from storage.database import Transaction
from storage.message_reader import ReceivedMessage

MOVE_S = 60
"""A live location moves every few seconds; the manager is told once in this time."""

WITHIN_THE_SECOND = timedelta(milliseconds=999)

NOBODY_SPEAKS = Company(bot=None, users={})

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IntakeSettings:
    """What storing an update needs to know of the settings.

    Args:
        messages_per_min: so many updates of one client are shown; 0 for all.
        company: in whose name an owner's words are shown.
    """

    source_id: SourceId | None
    media_url: MediaUrl
    infer_read: bool
    lifetimes: Lifetimes
    language: Language = "en"
    messages_per_min: int = 0
    company: Company = NOBODY_SPEAKS
    people: PeopleSettings = field(default_factory=PeopleSettings)


class ClientMessages:
    """Stores messages and edits of one bot's clients."""

    def __init__(self, settings: IntakeSettings) -> None:
        self._settings = settings

    def enqueue(self, tx: Transaction) -> Enqueue:
        """Return what puts items into the queues of a transaction."""
        return Enqueue(tx, self._settings.lifetimes)

    async def store(self, tx: Transaction, message: ClientMessage) -> None:
        """Store a message, with what it tells of who wrote it; once, however often it comes."""
        conversation_id = message.address.conversation_id
        known = await tx.conversations.get(conversation_id)
        is_heard = not (message.payload.silent or message.start)
        await tx.conversations.remember(self._conversation(message, now=tx.now, is_heard=is_heard))
        has_spoken = known is not None and known.last_incoming_at is not None
        message = await self._meet(tx, message, is_new=known is None, has_spoken=has_spoken)
        if not (is_heard or message.payload.silent):  # a link that says no more than a start
            await tx.conversations.remember(self._conversation(message, now=tx.now, is_heard=True))
        profile = await _profile(tx, message.address.conversation_id)
        reply_to = await quote_of(tx, message)
        said_at = moment_of(message.at, tx.now)
        for number, payload in enumerate(message.payloads):
            at = await tx.conversations.next_msec(payload.conversation_id, said_at)
            complete = payload.model_copy(
                update={
                    "at": at,
                    "sender": payload.sender.model_copy(update={"profile": profile}),
                    "reply_to": None if number else reply_to,
                }
            )
            if not await self.enqueue(tx).message(complete):
                return
        await note_topic(tx, message)
        if message.telegram_message_id:  # a pressed button is no message in Telegram
            for number, payload in enumerate(message.payloads, start=1):
                await tx.messages.remember_incoming(self._received(message, payload, number))
        await self.mark_read(tx, message.address, message.telegram_message_id)

    async def replace(self, tx: Transaction, message: ClientMessage, update_id: int) -> None:
        """Give a placeholder the content of its message, unless an edit has done so already."""
        shown = await tx.messages.by_external_id(message.payload.external_id)
        if shown is None:
            await self.store(tx, message)
            return
        if shown.content_hash != hash_of(unreadable.UNREADABLE):
            return
        if message.phone is not None:
            await tx.conversations.set_phone(message.address.conversation_id, message.phone)
        message = await self._meet(tx, message, is_new=False, has_spoken=True)
        await self.store_edit(tx, messages.edit_of(message, at=tx.now), update_id)

    async def store_edit(self, tx: Transaction, edit: ClientEdit, update_id: int) -> None:
        """Store an edit; one that changes nothing a person can see is none.

        Where the message is not known (it had expired at Telegram, or is older than the bridge),
        the edit is the first that is heard of it.
        Of the moves of a live location, only the first of each minute is stored.
        """
        if await tx.messages.by_external_id(edit.external_id) is None:
            await self._show_edited(tx, edit.message, update_id)
            return
        prints = edit.message.fingerprint.split("\n")
        moment = (
            f"{int(edit.payload.at.timestamp()) // MOVE_S}" if edit.is_move else f"#{update_id}"
        )
        await self._put_edit(tx, edit.payload, hash_of(prints[0]), moment)
        for number, part in enumerate(edit.rest, start=2):
            content_hash = hash_of(prints[number - 1])
            if await tx.messages.by_external_id(part.external_id) is not None:
                again = messages.as_edit(part, edit.payload.at)
                await self._put_edit(tx, again, content_hash, moment)
                continue
            said_at = moment_of(edit.payload.at, tx.now)
            at = await tx.conversations.next_msec(part.conversation_id, said_at)
            new = part.model_copy(update={"at": at})
            await self.enqueue(tx).message(new)
            row = ReceivedMessage(
                external_id=part.external_id,
                conversation_id=part.conversation_id,
                bot_id=edit.message.address.bot_id,
                business_user_id=edit.message.address.business_user_id,
                chat_id=edit.message.address.chat_id,
                telegram_message_id=edit.message.telegram_message_id,
                part=number,
                content_hash=content_hash,
                at=part.at,
            )
            await tx.messages.remember_incoming(row)

    async def mark_read(self, tx: Transaction, address: ChatAddress, up_to: int) -> None:
        """Tell Kommo that what stands above a message of the chat, or is it, was read.

        Ids rise within a chat; times are told in seconds, or not at all. No id tells nothing.
        """
        if not self._settings.infer_read or not up_to:
            return
        unread = await tx.messages.unread_up_to(address.conversation_id, up_to)
        for kommo_id in unread:
            await self.enqueue(tx).status(
                KommoMessageId(kommo_id),
                StatusCode.READ,
                conversation_id=address.conversation_id,
            )

    async def _meet(
        self, tx: Transaction, message: ClientMessage, *, is_new: bool, has_spoken: bool
    ) -> ClientMessage:
        """Store what a message tells of who wrote it; return it as managers see it."""
        return await meet(
            tx,
            self.enqueue(tx),
            message,
            self._settings.people,
            is_new=is_new,
            has_spoken=has_spoken,
        )

    async def _show_edited(self, tx: Transaction, message: ClientMessage, update_id: int) -> None:
        """Store an edit of an unknown message as a message, unless it is an operator's command."""
        is_new = await tx.conversations.get(message.address.conversation_id) is None
        if is_new and (message.payload.content.text or "").startswith("/"):
            log.info("a command was edited", extra={"update": update_id})
            return
        log.info("an unknown message was edited: it is shown", extra={"update": update_id})
        await self.store(tx, message)

    async def _put_edit(
        self, tx: Transaction, edit: EditMessage, content_hash: str, moment: str
    ) -> None:
        """Store the edit of one part, unless it changes nothing; there is one for each moment."""
        if not await tx.messages.change_content(edit.external_id or "", content_hash):
            return
        await self.enqueue(tx).edit(edit, dedupe_key=f"edit:{edit.external_id}:{moment}")

    def _received(
        self, message: ClientMessage, payload: NewMessage, number: int
    ) -> ReceivedMessage:
        prints = message.fingerprint.split("\n")
        return ReceivedMessage(
            external_id=payload.external_id,
            part=number,
            conversation_id=message.payload.conversation_id,
            bot_id=message.address.bot_id,
            business_user_id=message.address.business_user_id,
            chat_id=message.address.chat_id,
            telegram_message_id=message.telegram_message_id,
            content_hash=hash_of(prints[min(number, len(prints)) - 1]),
            at=message.at,
        )

    def _conversation(
        self, message: ClientMessage, *, now: datetime, is_heard: bool
    ) -> Conversation:
        """Return the conversation of a message; a quiet notice is no word of the client."""
        address, author = message.address, message.author
        return Conversation(
            conversation_id=address.conversation_id,
            bot_id=address.bot_id,
            business_user_id=address.business_user_id,
            chat_id=address.chat_id,
            name=message.payload.sender.name,
            username=author.username,
            phone=message.phone,
            source_id=self._settings.source_id,
            created_at=now,
            last_incoming_at=message.at if is_heard else None,
        )


async def note_topic(tx: Transaction, message: ClientMessage) -> None:
    """Store in which topic a client has written; a notice is no word of the client."""
    conversation_id = message.address.conversation_id
    if not message.payload.silent:
        await tx.topics.note_client(conversation_id, message.topic)
    if message.telegram_message_id:
        await tx.topics.note_message(
            conversation_id, message.telegram_message_id, message.topic, now=tx.now
        )


def moment_of(date: datetime, now: datetime) -> datetime:
    """Return when a message was written, as exactly as can be told.

    Telegram tells the second; Kommo orders by milliseconds, a manager's messages among them.
    """
    date = messages.plausible(date, now)
    return date if now < date else min(now, date + WITHIN_THE_SECOND)


async def _profile(tx: Transaction, conversation_id: str) -> Profile | None:
    """Return how else a client can be reached, as far as the client has told."""
    known = await tx.conversations.get(conversation_id)
    return Profile(phone=known.phone) if known is not None and known.phone else None


async def quote_of(tx: Transaction, message: ClientMessage) -> Quote | None:
    """Return the message that a client answers: by its id, or by all it says."""
    if message.answers is None:
        return None
    address = message.address
    answered = await tx.messages.by_telegram(
        address.bot_id, address.chat_id, message.answers, address.business_user_id
    )
    if answered is None:
        return message.quoted
    return quote(answered.external_id, answered.kommo_message_id)


def hash_of(text: str) -> str:
    """Return a short fingerprint of a message's content."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
