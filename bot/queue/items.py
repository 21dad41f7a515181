"""Queue items: their kinds, their keys, and how they are enqueued."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from kommo.ids import ConversationId, KommoMessageId
from kommo.models import (
    DeliveryStatus,
    EditMessage,
    ErrorCode,
    NewMessage,
    Reaction,
    StatusCode,
)
from storage.database import Transaction
from storage.queue.direction import Direction

LONGEST_ID = 18
"""Digits that fit into SQLite's integers."""


class Kind(StrEnum):
    """What an item is about. The first group waits for Kommo, the second for Telegram."""

    NEW_MESSAGE = "new_message"
    EDIT_MESSAGE = "edit_message"
    REACTION = "reaction"
    DELIVERY_STATUS = "delivery_status"
    TIE = "tie"
    """Who a client is in Kommo is to be found out, before what the conversation says next."""

    UPDATE = "update"
    """A Telegram update that could not be read, kept as it came."""

    MANAGER_MESSAGE = "manager_message"
    MANAGER_TYPING = "manager_typing"
    MANAGER_REACTION = "manager_reaction"
    LEGACY_MESSAGE = "legacy_message"
    UNKNOWN_EVENT = "unknown_event"
    WELCOME = "welcome"
    """A new client is to be greeted."""

    BUTTON_PRESS = "button_press"
    """A client pressed a button, and is to see that it was noticed."""


@dataclass(frozen=True)
class Lifetimes:
    """How long an item is tried before it is given up."""

    to_kommo: timedelta
    to_telegram: timedelta

    def of(self, direction: Direction) -> timedelta:
        """Return how long an item of a direction is tried."""
        return self.to_kommo if direction is Direction.INCOMING else self.to_telegram


def name_of(direction: Direction, item_id: int) -> str:
    """Return what an item is called, such as `outgoing-12`."""
    return f"{direction}-{item_id}"


def item_named(name: str) -> tuple[Direction, int] | None:
    """Read an item's name; None when it is none."""
    direction, _, number = name.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_ID):
        return None
    try:
        return Direction(direction), int(number)
    except ValueError:
        return None


async def put_message(
    tx: Transaction, message: NewMessage, *, now: datetime, lifetimes: Lifetimes
) -> bool:
    """Put a client's message into the outbox; False when it is there already."""
    added = await tx.to_kommo.add(
        dedupe_key=message.external_id,
        ordering_key=message.conversation_id,
        conversation_id=message.conversation_id,
        kind=Kind.NEW_MESSAGE,
        payload=message.model_dump_json(exclude_none=True),
        now=now,
        expires_at=now + lifetimes.to_kommo,
    )
    return added is not None


class Tie(BaseModel):
    """Which contact a client is: the one that an invitation names, or else that of the number."""

    model_config = ConfigDict(frozen=True)

    contact_id: int | None = None


async def put_tie(
    tx: Transaction,
    tie: Tie,
    *,
    conversation_id: ConversationId,
    reason: str,
    now: datetime,
    lifetimes: Lifetimes,
    not_before: datetime | None = None,
) -> None:
    """Put into the outbox that a client is to be tied to a contact, before what comes next."""
    await tx.to_kommo.add(
        dedupe_key=tie_key(conversation_id, reason),
        ordering_key=conversation_id,
        conversation_id=conversation_id,
        kind=Kind.TIE,
        payload=tie.model_dump_json(),
        now=now,
        expires_at=now + lifetimes.to_kommo,
        not_before=not_before,
    )


def tie_key(conversation_id: ConversationId, reason: str) -> str:
    """Return what makes an attempt to tie unique: a number, an invitation, the first start."""
    return f"tie:{conversation_id}:{reason}"


async def put_welcome(
    tx: Transaction, *, conversation_id: ConversationId, now: datetime, lifetimes: Lifetimes
) -> None:
    """Put the greeting of a new client into the inbox."""
    await tx.to_telegram.add(
        dedupe_key=f"welcome:{conversation_id}",
        ordering_key=conversation_id,
        conversation_id=conversation_id,
        kind=Kind.WELCOME,
        payload="{}",
        now=now,
        expires_at=now + lifetimes.to_telegram,
    )


async def put_edit(
    tx: Transaction, edit: EditMessage, *, dedupe_key: str, now: datetime, lifetimes: Lifetimes
) -> None:
    """Put a client's edit into the outbox, behind what the conversation said before."""
    await tx.to_kommo.add(
        dedupe_key=dedupe_key,
        ordering_key=edit.conversation_id,
        conversation_id=edit.conversation_id,
        kind=Kind.EDIT_MESSAGE,
        payload=edit.model_dump_json(exclude_none=True),
        now=now,
        expires_at=now + lifetimes.to_kommo,
    )


async def put_reaction(
    tx: Transaction, reaction: Reaction, *, dedupe_key: str, now: datetime, lifetimes: Lifetimes
) -> None:
    """Put a client's reaction into the outbox, behind what the conversation said before."""
    await tx.to_kommo.add(
        dedupe_key=dedupe_key,
        ordering_key=reaction.conversation_id or dedupe_key,
        conversation_id=reaction.conversation_id,
        kind=Kind.REACTION,
        payload=reaction.model_dump_json(exclude_none=True),
        now=now,
        expires_at=now + lifetimes.to_kommo,
    )


def status_key(kommo_message_id: KommoMessageId, status: StatusCode) -> str:
    """Return what makes a delivery status unique."""
    return f"status:{kommo_message_id}:{int(status)}"


async def put_status(
    tx: Transaction,
    kommo_message_id: KommoMessageId,
    status: StatusCode,
    *,
    conversation_id: ConversationId | None,
    now: datetime,
    lifetimes: Lifetimes,
    error_code: ErrorCode | None = None,
    error: str | None = None,
) -> None:
    """Put a delivery status into the outbox, unless the message's status is there or beyond it."""
    if not await tx.messages.set_status(kommo_message_id, int(status), now=now):
        return
    payload = DeliveryStatus(
        kommo_message_id=kommo_message_id, status=status, error_code=error_code, error=error
    )
    await tx.to_kommo.add(
        dedupe_key=status_key(kommo_message_id, status),
        ordering_key=f"status:{kommo_message_id}",
        conversation_id=conversation_id,
        kind=Kind.DELIVERY_STATUS,
        payload=payload.model_dump_json(exclude_none=True),
        now=now,
        expires_at=now + lifetimes.to_kommo,
    )
