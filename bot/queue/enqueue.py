"""Put items into the queues, bound to one transaction and its moment."""

from datetime import datetime

from bot.queue.items import (
    ContactLink,
    Kind,
    Lifetimes,
    contact_link_key,
    status_key,
)
from kommo.ids import ConversationId, KommoMessageId
from kommo.models import EditMessage, NewMessage, Reaction
from kommo.statuses import DeliveryStatus, ErrorCode, StatusCode
from storage.database import Transaction
from storage.queue.producer import Draft


class Enqueue:
    """Puts items into the queues of a transaction; each is tried for its direction's lifetime.

    Args:
        tx: they are enqueued when it is committed, as of its moment.
        lifetimes: how long an item is tried.
    """

    def __init__(self, tx: Transaction, lifetimes: Lifetimes) -> None:
        self._tx = tx
        self._to_kommo_until = tx.now + lifetimes.to_kommo
        self._to_telegram_until = tx.now + lifetimes.to_telegram

    async def message(self, message: NewMessage, *, not_before: datetime | None = None) -> bool:
        """Enqueue a client's message, at once or for later; False when it is there already."""
        added = await self._tx.to_kommo.add(
            Draft(
                dedupe_key=message.external_id,
                ordering_key=message.conversation_id,
                conversation_id=message.conversation_id,
                kind=Kind.NEW_MESSAGE,
                payload=message.model_dump_json(exclude_none=True),
            ),
            now=self._tx.now,
            expires_at=self._to_kommo_until,
            not_before=not_before,
        )
        return added is not None

    async def edit(self, edit: EditMessage, *, dedupe_key: str) -> None:
        """Enqueue a client's edit, behind what the conversation said before."""
        await self._tx.to_kommo.add(
            Draft(
                dedupe_key=dedupe_key,
                ordering_key=edit.conversation_id,
                conversation_id=edit.conversation_id,
                kind=Kind.EDIT_MESSAGE,
                payload=edit.model_dump_json(exclude_none=True),
            ),
            now=self._tx.now,
            expires_at=self._to_kommo_until,
        )

    async def reaction(self, reaction: Reaction, *, dedupe_key: str) -> None:
        """Enqueue a client's reaction, behind what the conversation said before."""
        await self._tx.to_kommo.add(
            Draft(
                dedupe_key=dedupe_key,
                ordering_key=reaction.conversation_id or dedupe_key,
                conversation_id=reaction.conversation_id,
                kind=Kind.REACTION,
                payload=reaction.model_dump_json(exclude_none=True),
            ),
            now=self._tx.now,
            expires_at=self._to_kommo_until,
        )

    async def status(
        self,
        kommo_message_id: KommoMessageId,
        status: StatusCode,
        *,
        conversation_id: ConversationId | None,
        error_code: ErrorCode | None = None,
        error: str | None = None,
    ) -> None:
        """Enqueue a delivery status, unless the message has got so far or further already."""
        if not await self._tx.messages.set_status(kommo_message_id, int(status), now=self._tx.now):
            return
        payload = DeliveryStatus(
            kommo_message_id=kommo_message_id, status=status, error_code=error_code, error=error
        )
        await self._tx.to_kommo.add(
            Draft(
                dedupe_key=status_key(kommo_message_id, status),
                ordering_key=f"status:{kommo_message_id}",
                conversation_id=conversation_id,
                kind=Kind.DELIVERY_STATUS,
                payload=payload.model_dump_json(exclude_none=True),
            ),
            now=self._tx.now,
            expires_at=self._to_kommo_until,
        )

    async def deleted(
        self, kommo_message_id: KommoMessageId, *, conversation_id: ConversationId
    ) -> None:
        """Enqueue that a manager's message was deleted in Telegram, however far it had got."""
        if not await self._tx.messages.mark_deleted(kommo_message_id, now=self._tx.now):
            return
        payload = DeliveryStatus(
            kommo_message_id=kommo_message_id,
            status=StatusCode.ERROR,
            error_code=ErrorCode.CHAT_DELETED,
        )
        await self._tx.to_kommo.add(
            Draft(
                dedupe_key=f"{status_key(kommo_message_id, StatusCode.ERROR)}:deleted",
                ordering_key=f"status:{kommo_message_id}",
                conversation_id=conversation_id,
                kind=Kind.DELIVERY_STATUS,
                payload=payload.model_dump_json(exclude_none=True),
            ),
            now=self._tx.now,
            expires_at=self._to_kommo_until,
        )

    async def contact_link(
        self,
        link: ContactLink,
        *,
        conversation_id: ConversationId,
        reason: str,
        not_before: datetime | None = None,
    ) -> None:
        """Enqueue that a client is to be linked to a contact, ahead of what comes next.

        Args:
            link: to which contact.
            conversation_id: the client's conversation.
            reason: what makes the attempt unique: a number, an invitation, the first start.
            not_before: until when it waits for a better answer, unless it is hastened.
        """
        await self._tx.to_kommo.add(
            Draft(
                dedupe_key=contact_link_key(conversation_id, reason),
                ordering_key=conversation_id,
                conversation_id=conversation_id,
                kind=Kind.CONTACT_LINK,
                payload=link.model_dump_json(),
            ),
            now=self._tx.now,
            expires_at=self._to_kommo_until,
            not_before=not_before,
        )

    async def welcome(self, *, conversation_id: ConversationId) -> None:
        """Enqueue the greeting of a new client."""
        await self._tx.to_telegram.add(
            Draft(
                dedupe_key=f"welcome:{conversation_id}",
                ordering_key=conversation_id,
                conversation_id=conversation_id,
                kind=Kind.WELCOME,
                payload="{}",
            ),
            now=self._tx.now,
            expires_at=self._to_telegram_until,
        )

    async def press(
        self, payload: str, *, dedupe_key: str, ordering_key: str, conversation_id: ConversationId
    ) -> None:
        """Enqueue what a client is shown of a pressed button: at once, whatever else waits."""
        await self._tx.to_telegram.add(
            Draft(
                dedupe_key=dedupe_key,
                ordering_key=ordering_key,
                conversation_id=conversation_id,
                kind=Kind.BUTTON_PRESS,
                payload=payload,
            ),
            now=self._tx.now,
            expires_at=self._to_telegram_until,
            urgency="now",
        )
