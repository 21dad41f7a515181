"""Parse an item for Telegram once, for all the steps of its delivery."""

from functools import lru_cache

from bot.translate.ids import ChatAddress, parse_conversation
from kommo.events import Event, parse_event
from storage.queue.reader import QueueItem

KEPT, LONGEST_KEPT = 256, 16_384
"""So many events are kept in memory, and none that is longer."""

KEPT_ADDRESSES = 4096


def event_of(item: QueueItem) -> Event:
    """Return the event that an item keeps.

    Raises:
        PayloadError: it is not readable any more.
    """
    if len(item.payload) > LONGEST_KEPT:
        return parse_event(item.payload.encode())
    return _kept(item.payload)


def address_of(item: QueueItem) -> ChatAddress | None:
    """Return the chat that an item leads to; None while nobody knows it."""
    return _address(item.conversation_id) if item.conversation_id else None


@lru_cache(maxsize=KEPT)
def _kept(payload: str) -> Event:
    return parse_event(payload.encode())


@lru_cache(maxsize=KEPT_ADDRESSES)
def _address(conversation_id: str) -> ChatAddress | None:
    return parse_conversation(conversation_id)
