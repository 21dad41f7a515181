"""Kommo as a destination: one attempt to tell it something, and its outcome."""

from dataclasses import dataclass

from bot.deliver.kommo.contacts import KnownPeople
from bot.deliver.kommo.messages import Messages
from bot.deliver.kommo.parked import ParkedUpdates
from bot.deliver.kommo.refusals import Refusals
from bot.deliver.kommo.sizes import NotAskedYetError
from bot.queue.items import Kind
from bot.queue.outcomes import Delivered, NotYet, Outcome, RetryLater, Undeliverable
from kommo.answers import SentMessage
from kommo.chats import ChatsApi
from kommo.errors import (
    HeldBackError,
    RateLimitedError,
    RejectedError,
    RequestError,
    ServerError,
    UnreachableError,
)
from kommo.models import NewMessage
from kommo.statuses import DeliveryStatus
from storage.database import Transaction
from storage.queue.reader import QueueItem

LONGEST_OUTAGE_S = 300.0
"""No `Retry-After` of a failing server, or of a proxy before it, makes a message wait longer."""


@dataclass(frozen=True)
class Accepted(Delivered):
    """Kommo took a message, and said by which ids it knows it."""

    sent: SentMessage | None = None


class ToKommo:
    """Delivers items through the Chats API."""

    name = "Kommo"

    def __init__(
        self,
        chats: ChatsApi,
        messages: Messages,
        refusals: Refusals,
        *,
        people: KnownPeople,
        parked: ParkedUpdates,
    ) -> None:
        self._chats = chats
        self._messages = messages
        self._refusals = refusals
        self._people = people
        self._parked = parked

    async def send(self, item: QueueItem) -> Outcome:
        """Make one attempt; while Kommo asks to slow down, none."""
        try:
            return await self._attempt(item)
        except HeldBackError as error:
            return NotYet(error.retry_after_s or 0.0)
        except NotAskedYetError as error:
            return NotYet(error.after_s)

    async def settle(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store Kommo's id of a message that was delivered."""
        if item.kind == Kind.NEW_MESSAGE and isinstance(outcome, Delivered) and outcome.remote_ids:
            message = NewMessage.model_validate_json(item.payload)
            await tx.messages.bind_kommo(message.external_id, outcome.remote_ids[0])
            if isinstance(outcome, Accepted) and outcome.sent:
                await _save_chat(tx, message, outcome.sent)

    async def _attempt(self, item: QueueItem) -> Outcome:
        try:
            return await self._send(item)
        except RejectedError as error:
            return await self._refusals.outcome(item, error)
        except HeldBackError:
            raise
        except RateLimitedError as error:
            return RetryLater(str(error), after_s=error.retry_after_s)
        except UnreachableError as error:
            return RetryLater(str(error), is_uncertain=error.was_sent)
        except RequestError as error:
            after_s = min(error.retry_after_s or 0.0, LONGEST_OUTAGE_S)
            is_suspect = isinstance(error, ServerError)
            return RetryLater(
                str(error), after_s=after_s, is_uncertain=True, is_suspect=is_suspect
            )

    async def _send(self, item: QueueItem) -> Outcome:
        match item.kind:
            case Kind.NEW_MESSAGE:
                sent = await self._messages.send(item)
                return Accepted((sent.kommo_message_id,) if sent.kommo_message_id else (), sent)
            case Kind.EDIT_MESSAGE:
                await self._messages.edit(item)
            case Kind.DELIVERY_STATUS:
                status = DeliveryStatus.model_validate_json(item.payload)
                await self._chats.set_delivery_status(status)
            case Kind.REACTION:
                await self._messages.react(item)
            case Kind.CONTACT_LINK:
                return await self._people.link(item)
            case Kind.UPDATE:
                return await self._parked.take_in(item)
            case _:
                return Undeliverable(f"this release cannot send items of kind {item.kind!r}")
        return Delivered()


async def _save_chat(tx: Transaction, message: NewMessage, sent: SentMessage) -> None:
    """Store Kommo's id of a conversation whose first message it took, if it told the id."""
    conversation_id, chat_id = message.conversation_id, sent.kommo_chat_id
    if chat_id is None or await tx.conversation_chats.by_alias(conversation_id):
        return
    is_known = await tx.conversation_chats.by_kommo_chat(chat_id)
    if is_known is None and await tx.conversations.get(conversation_id):
        user_id = sent.receiver_id if message.receiver else sent.sender_id
        await tx.conversation_chats.save(
            chat_id, conversation_id, user_id, alias=conversation_id, now=tx.now
        )
