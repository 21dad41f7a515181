"""Store Kommo's events: each in its conversation's order, with what is known of its chat."""

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.conversations.addressees import find, named
from bot.queue.items import Kind, Lifetimes
from bot.translate.ids import ChatAddress, number_of, parse_conversation
from kommo.events import (
    Event,
    LegacyMessage,
    ManagerMessage,
    ManagerReaction,
    ManagerTyping,
)
from storage.conversation_chats import ConversationChat
from storage.conversations import Conversation
from storage.database import Transaction
from storage.queue.producer import Draft
from storage.queue.reader import Urgency

KIND_OF: dict[type, Kind] = {
    ManagerMessage: Kind.MANAGER_MESSAGE,
    ManagerTyping: Kind.MANAGER_TYPING,
    ManagerReaction: Kind.MANAGER_REACTION,
    LegacyMessage: Kind.LEGACY_MESSAGE,
}

DELIVERED_KINDS = (Kind.MANAGER_MESSAGE, Kind.MANAGER_REACTION, Kind.LEGACY_MESSAGE)

OnTyping = Callable[[ChatAddress, datetime | None], None]
"""Shows a client that a manager types, until a moment; returns at once."""

RECENT = timedelta(hours=1)
"""Who wrote within this time waits for an answer; anything else comes after it."""

STARTED = "started:"
"""What waits in a chat that a manager started has this key, and Kommo's id, until it is known."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Webhook:
    """One webhook: what it tells, and its body as it came."""

    event: Event
    body: str


@dataclass(frozen=True)
class Batch:
    """What is known of the conversations and chats that some webhooks name.

    Args:
        ids: the conversations that were asked for.
    """

    ids: Set[str]
    conversations: Mapping[str, Conversation]
    chats: Mapping[str, ConversationChat]


class CatchUp(Protocol):
    """Recovers what webhooks did not bring."""

    def hold_until(self, conversation_id: str | None) -> datetime | None:
        """Return the moment until which to hold an event back during recovery, or None."""
        ...

    def note_activity(self, conversation_id: str) -> None:
        """Take note that something came of a conversation."""
        ...

    def note_missed(self, conversation_id: str | None) -> None:
        """Take note that a webhook could not be stored."""
        ...


class Events:
    """Stores events, or shows them at once where storing has no use.

    Args:
        lifetimes: how long an item is tried.
        on_typing: shows a client that a manager types.
        catch_up: recovers what webhooks did not bring.
        memory: how long it is known what was delivered; None for ever.
        skew_s: by how much our clock is ahead of Kommo's, as far as that is known.
    """

    def __init__(
        self,
        lifetimes: Lifetimes,
        on_typing: OnTyping,
        catch_up: CatchUp,
        *,
        memory: timedelta | None = None,
        skew_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._lifetimes = lifetimes
        self._on_typing = on_typing
        self._catch_up = catch_up
        self._memory = memory
        self._skew_s = skew_s

    async def store_all(self, tx: Transaction, webhooks: Sequence[Webhook]) -> None:
        """Store the events of webhooks in the order they came in."""
        batch = await _batch_of(tx, webhooks)
        for webhook in webhooks:
            await self._store(tx, webhook, batch)

    async def _store(self, tx: Transaction, webhook: Webhook, batch: Batch) -> None:
        event, now = webhook.event, tx.now
        kind = KIND_OF.get(type(event), Kind.UNKNOWN_EVENT)
        conversation_id, known = await _conversation_of(tx, event, batch)
        if conversation_id is not None:
            self._catch_up.note_activity(conversation_id)
        if isinstance(event, ManagerTyping):
            self._show_typing(event, conversation_id)
            return
        if isinstance(event, ManagerMessage) and known is not None:
            await _save_chat(tx, event, known, batch)
        is_delivered = kind in DELIVERED_KINDS
        order = _order_of(event, conversation_id) if is_delivered else event.dedupe_key
        draft = Draft(event.dedupe_key, order, kind, webhook.body, conversation_id)
        if not is_delivered or await _is_imported(tx, event, conversation_id):
            await tx.to_telegram.record_done(draft, now=now)
        elif self._is_beyond_memory(event, now):
            await self._park(tx, event, draft)
        else:
            is_in_order = order == conversation_id
            await tx.to_telegram.add(
                draft,
                now=now,
                expires_at=now + self._lifetimes.to_telegram,
                urgency=_urgency(known, now),
                not_before=self._catch_up.hold_until(conversation_id) if is_in_order else None,
                written_at=_written_at(event),
            )

    def _is_beyond_memory(self, event: Event, now: datetime) -> bool:
        """Tell whether it is unknown if a webhook was delivered already.

        Moments are Kommo's, so they are compared by Kommo's clock as far as it is known.
        """
        at = _moment_of(event)
        if self._memory is None or at is None:
            return False
        return at < now - timedelta(seconds=self._skew_s() or 0.0) - self._memory

    async def _park(self, tx: Transaction, event: Event, draft: Draft) -> None:
        """Keep a webhook for a person that may be a repetition of one from long ago."""
        at = _moment_of(event)
        written = at.isoformat(timespec="seconds") if at else "at an unknown time"
        reason = (
            f"Kommo's webhook is of {written}, longer ago than storage.keep_days: it may have "
            "been delivered already, so it was not delivered; see: kommo-telegram queue retry"
        )
        if await tx.to_telegram.park(draft, now=tx.now, reason=reason) is not None:
            log.warning("webhook kept aside: %s", reason)

    def _show_typing(self, event: ManagerTyping, conversation_id: str | None) -> None:
        """Pass typing on: it is worth something now, or nothing, so it is not stored."""
        address = parse_conversation(conversation_id or "")
        if address is not None:
            self._on_typing(address, event.expires_at)


def _urgency(known: Conversation | None, now: datetime) -> Urgency:
    """Return whether a client waits for this: a broadcast must not delay an answer."""
    if known is None or known.last_incoming_at is None:
        return "later"
    return "" if now - known.last_incoming_at < RECENT else "later"


async def _batch_of(tx: Transaction, webhooks: Sequence[Webhook]) -> Batch:
    """Ask at once for what is known of the conversations that some webhooks name."""
    events = [webhook.event for webhook in webhooks]
    ids = set(filter(None, map(named, events)))
    chats = {event.kommo_chat_id for event in events if isinstance(event, ManagerMessage)}
    return Batch(
        ids,
        await tx.conversations.all_of(ids),
        await tx.conversation_chats.all_of(filter(None, chats)),
    )


async def _conversation_of(
    tx: Transaction, event: Event, batch: Batch
) -> tuple[str | None, Conversation | None]:
    """Return our id of the conversation an event is about, and what is stored of it, if known."""
    conversation_id = named(event) or await find(tx, event)
    if conversation_id is None:
        return None, None
    if conversation_id in batch.ids:
        return conversation_id, batch.conversations.get(conversation_id)
    return conversation_id, await tx.conversations.get(conversation_id)


async def _is_imported(tx: Transaction, event: Event, conversation_id: str | None) -> bool:
    """Tell whether a message was told to Kommo by the bridge, so that the client has it already.

    It is of an export, or written by a business account's owner. Messages told as the channel's
    bot cause no webhook; of those told as a Kommo user nothing of the kind is promised.
    Reference: Kommo, Send or import messages.
    """
    if not isinstance(event, ManagerMessage) or conversation_id is None:
        return False
    if await tx.imports.is_ours(conversation_id, event.at):
        return True
    address = parse_conversation(conversation_id)
    if address is None or not address.business_user_id:
        return False
    told = await tx.messages.between(conversation_id, event.at, event.at)
    return any(one.direction == "outgoing" and one.external_id is not None for one in told)


async def _save_chat(
    tx: Transaction, event: ManagerMessage, known: Conversation, batch: Batch
) -> None:
    """Store what a webhook with both ids says: Kommo knows its chat as ours.

    What waits in that chat from before that was known goes into the conversation's order.
    """
    alias, kommo_chat_id = event.conversation_id, event.kommo_chat_id
    if alias is None or kommo_chat_id is None or parse_conversation(alias) is None:
        return
    chat, user = batch.chats.get(kommo_chat_id), event.receiver.kommo_id
    if chat is not None and _says_it_all(chat, known, alias, user):
        return
    conversation_id = known.conversation_id
    await tx.conversation_chats.save(
        kommo_chat_id, conversation_id, user, alias=alias, number=number_of(alias), now=tx.now
    )
    await tx.to_telegram.move(
        f"{STARTED}{kommo_chat_id}",
        to=conversation_id,
        conversation_id=conversation_id,
        now=tx.now,
    )


def _says_it_all(
    chat: ConversationChat, known: Conversation, alias: str, user: str | None
) -> bool:
    """Tell whether what is stored of a chat is what a webhook says."""
    return (
        chat.conversation_id == known.conversation_id
        and chat.alias == alias
        and chat.state in ("plain", "bound")
        and user in (None, chat.kommo_user_id)
    )


def _written_at(event: Event) -> datetime | None:
    """Return what a message stands by among those that wait; None: by its arrival."""
    if isinstance(event, ManagerMessage):
        return event.at if event.is_dated else None
    return event.at if isinstance(event, LegacyMessage) else None


def _moment_of(event: Event) -> datetime | None:
    """Return from when an event is; None if it does not say so."""
    if isinstance(event, ManagerMessage | LegacyMessage):
        return event.at
    return event.time if isinstance(event, ManagerReaction) else None


def _order_of(event: Event, conversation_id: str | None) -> str:
    """Return what an event keeps its order in.

    A chat that a manager started has an order of its own until somebody knows whose it is.
    """
    if conversation_id is None and isinstance(event, ManagerMessage) and event.kommo_chat_id:
        return f"{STARTED}{event.kommo_chat_id}"
    return conversation_id or event.dedupe_key
