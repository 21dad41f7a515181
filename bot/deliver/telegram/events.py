"""What an item of the inbox says, read once for all the steps of its delivery."""

from functools import lru_cache

from kommo.events import Event, parse_event
from storage.queue.reader import QueueItem

KEPT, LONGEST_KEPT = 256, 16_384
"""So many are kept in memory, and none that is longer."""


def event_of(item: QueueItem) -> Event:
    """Return the event that an item keeps.

    Raises:
        PayloadError: it is not readable any more.
    """
    if len(item.payload) > LONGEST_KEPT:
        return parse_event(item.payload.encode())
    return _kept(item.payload)


@lru_cache(maxsize=KEPT)
def _kept(payload: str) -> Event:
    return parse_event(payload.encode())
