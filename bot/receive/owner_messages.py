"""Store what happens on the company's side of a business account: the owner's words, deletions.

Kommo is told of them once, as written by the channel's bot or by a Kommo user; what the bridge
sent itself is no news. Reference: Kommo, Send or import messages (three roles).
"""

import logging
from datetime import datetime

from bot.receive.client_messages import ClientMessages, hash_of, moment_of, quote_of
from bot.translate.company import Company
from bot.translate.ids import quote
from bot.translate.incoming.business import (
    Deletion,
    OwnerEdit,
    OwnerMessage,
    deletion_notice,
)
from bot.translate.incoming.messages import ClientMessage
from bot.translate.languages import Language
from kommo.errors import PayloadError
from kommo.events import ManagerMessage, parse_event
from kommo.ids import KommoMessageId, SourceId
from kommo.models import EditMessage
from kommo.people import Person
from storage.business import BusinessChat
from storage.conversations import Conversation
from storage.database import Transaction
from storage.message_reader import ReceivedMessage, StoredMessage

log = logging.getLogger(__name__)


class OwnerMessages:
    """Stores what owners of business accounts write and delete.

    Args:
        clients: who stores what clients write.
        company: in whose name the owner's words are shown.
        source_id: of the bot.
        language: of notices.
    """

    def __init__(
        self,
        clients: ClientMessages,
        company: Company,
        source_id: SourceId | None,
        language: Language,
    ) -> None:
        self._clients = clients
        self._company = company
        self._source_id = source_id
        self._language: Language = language

    async def store(self, tx: Transaction, found: OwnerMessage) -> None:
        """Show what the owner wrote, once; a chat that the owner begins is a conversation too."""
        message = found.message
        author = self._author(message)
        if author is None or await _stored(tx, message) is not None:
            return
        await tx.conversations.remember(self._conversation(found, tx))
        reply_to = await quote_of(tx, message)
        said_at = moment_of(message.at, tx.now)
        for number, payload in enumerate(message.payloads, start=1):
            at = await tx.conversations.next_msec(payload.conversation_id, said_at)
            shown = payload.model_copy(
                update={
                    "at": at,
                    "sender": author,
                    "receiver": found.client,
                    "reply_to": reply_to if number == 1 else None,
                }
            )
            await self._clients.enqueue(tx).message(shown)
            await tx.messages.remember_incoming(_row(message, number, at))

    async def store_edit(self, tx: Transaction, found: OwnerEdit, update_id: int) -> None:
        """Show what the owner changed: an own message, or one that a manager wrote in Kommo."""
        message = found.edit.message
        known = await _stored(tx, message)
        if known is None:
            await self.store(tx, OwnerMessage(message, found.client))
        elif known.external_id is not None:
            await self._clients.store_edit(tx, found.edit, update_id)
        elif known.kommo_message_id is not None:
            await self._store_changed(tx, found, KommoMessageId(known.kommo_message_id), update_id)

    async def store_deletion(self, tx: Transaction, deleted: Deletion, update_id: int) -> None:
        """Tell of what was deleted; a manager's message fails with 901 when nothing is left.

        What is not known may be a message that was just sent, and is recorded after this.
        """
        conversation_id = deleted.address.conversation_id
        known = await tx.conversations.get(conversation_id)
        if known is None:
            return
        await tx.business.add_deleted(_chat(deleted), deleted.message_ids, now=tx.now)
        rows = [
            row
            for message_id in dict.fromkeys(deleted.message_ids)
            if (row := await _at(tx, deleted, message_id)) is not None
        ]
        is_blocked = await tx.blocks.of(deleted.address.chat_id) is not None
        if not rows or is_blocked:
            return
        for kommo_id in dict.fromkeys(
            row.kommo_message_id for row in rows if row.external_id is None
        ):
            if kommo_id is not None and await _is_all_gone(tx, deleted, kommo_id):
                await self._clients.enqueue(tx).deleted(
                    KommoMessageId(kommo_id), conversation_id=conversation_id
                )
        first = rows[0]
        quoted = quote(first.external_id, first.kommo_message_id) if len(rows) == 1 else None
        notice = deletion_notice(
            deleted,
            len(rows),
            quoted=quoted,
            update_id=update_id,
            at=await tx.conversations.next_msec(conversation_id, tx.now),
            language=self._language,
            source_id=self._source_id,
        )
        sender = notice.sender.model_copy(update={"name": known.name})
        await self._clients.enqueue(tx).message(notice.model_copy(update={"sender": sender}))

    async def _store_changed(
        self, tx: Transaction, found: OwnerEdit, kommo_id: KommoMessageId, update_id: int
    ) -> None:
        """Give a manager's message the words that the owner gave it, if they are others.

        Telegram also tells of changes that the bridge made itself, such as a marked button.
        """
        payload = found.edit.payload
        if (payload.content.text or "") == await _words(tx, kommo_id):
            return
        changed = EditMessage(
            at=payload.at,
            conversation_id=payload.conversation_id,
            content=payload.content,
            kommo_message_id=kommo_id,
        )
        await self._clients.enqueue(tx).edit(changed, dedupe_key=f"edit:{kommo_id}:#{update_id}")

    def _author(self, message: ClientMessage) -> Person | None:
        """Return who is shown as the author; None when nobody can be."""
        try:
            return self._company.author(message.author.id, message.payload.sender.name)
        except ValueError:
            log.warning(
                "what a business account's owner wrote is not shown: set kommo.channel_bot_id",
                extra={"conversation": message.address.conversation_id},
            )
            return None

    def _conversation(self, found: OwnerMessage, tx: Transaction) -> Conversation:
        address = found.message.address
        return Conversation(
            conversation_id=address.conversation_id,
            bot_id=address.bot_id,
            business_user_id=address.business_user_id,
            chat_id=address.chat_id,
            name=found.client.name,
            source_id=self._source_id,
            created_at=tx.now,
            last_outgoing_at=found.message.at,
        )


def _row(message: ClientMessage, number: int, at: datetime) -> ReceivedMessage:
    """Return what is stored of a part, at the moment that Kommo is told of."""
    prints = message.fingerprint.split("\n")
    return ReceivedMessage(
        external_id=message.payloads[number - 1].external_id,
        part=number,
        conversation_id=message.address.conversation_id,
        bot_id=message.address.bot_id,
        business_user_id=message.address.business_user_id,
        chat_id=message.address.chat_id,
        telegram_message_id=message.telegram_message_id,
        content_hash=hash_of(prints[min(number, len(prints)) - 1]),
        at=at,
        direction="outgoing",
    )


async def _stored(tx: Transaction, message: ClientMessage) -> StoredMessage | None:
    """Return what is known of a message, the bridge's own ones among them."""
    address = message.address
    return await tx.messages.by_telegram(
        address.bot_id, address.chat_id, message.telegram_message_id, address.business_user_id
    )


async def _at(tx: Transaction, deleted: Deletion, message_id: int) -> StoredMessage | None:
    address = deleted.address
    return await tx.messages.by_telegram(
        address.bot_id, address.chat_id, message_id, address.business_user_id
    )


async def _is_all_gone(tx: Transaction, deleted: Deletion, kommo_id: str) -> bool:
    """Tell whether all that a manager's message became was deleted."""
    parts = {one.telegram_message_id for one in await tx.messages.by_kommo_message(kommo_id)}
    return parts <= await tx.business.deleted(_chat(deleted), parts)


def _chat(deleted: Deletion) -> BusinessChat:
    address = deleted.address
    return BusinessChat(
        address.conversation_id, address.bot_id, address.business_user_id, address.chat_id
    )


async def _words(tx: Transaction, kommo_id: KommoMessageId) -> str | None:
    """Return what a manager wrote, as far as it is still kept."""
    item = await tx.to_telegram.by_dedupe_key(f"message:{kommo_id}")
    if item is None:
        return None
    try:
        event = parse_event(item.payload.encode())
    except PayloadError:
        return None
    return event.body.text if isinstance(event, ManagerMessage) else None
