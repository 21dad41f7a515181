"""Queue items: their kinds, their keys, and how they are enqueued."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from kommo.ids import ConversationId, KommoMessageId
from kommo.statuses import StatusCode
from storage.queue.direction import Direction

LONGEST_ID = 18
"""Digits that fit into SQLite's integers."""


class Kind(StrEnum):
    """What an item is about. The first group waits for Kommo, the second for Telegram."""

    NEW_MESSAGE = "new_message"
    EDIT_MESSAGE = "edit_message"
    REACTION = "reaction"
    DELIVERY_STATUS = "delivery_status"
    CONTACT_LINK = "tie"
    """A client is to be linked to a contact, ahead of what the conversation says next."""

    UPDATE = "update"
    """A Telegram update that could not be read, kept as it came."""

    BLOCKED = "blocked"
    """What a blocked client did: that it was, and nothing of what was said."""

    HELD = "held"
    """An update of a client beyond what is shown of one within a minute, kept as it came."""

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
    """Read an item's name; None when it is not one."""
    direction, _, number = name.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_ID):
        return None
    try:
        return Direction(direction), int(number)
    except ValueError:
        return None


class ContactLink(BaseModel):
    """Which contact a client is: the one that an invitation names, or else that of the number."""

    model_config = ConfigDict(frozen=True)

    contact_id: int | None = None


def contact_link_key(conversation_id: ConversationId, reason: str) -> str:
    """Return what makes an attempt to link a client unique: a number, an invitation, a start."""
    return f"tie:{conversation_id}:{reason}"


def status_key(kommo_message_id: KommoMessageId, status: StatusCode) -> str:
    """Return what makes a delivery status unique."""
    return f"status:{kommo_message_id}:{int(status)}"
