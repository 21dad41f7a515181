"""Slots for messages with files: one group at a time, few files at a time.

Files are slow, so they never take all the places for deliveries: texts find one at once.
"""

from datetime import datetime

from bot.deliver.telegram.items import event_of
from bot.deliver.telegram.uploads import UPLOADS
from bot.queue.items import Kind
from kommo.events import ManagerMessage
from storage.queue.reader import QueueItem

GROUP_S = 1.0
"""So long a file that was sent together with others waits for them, to stand in their order."""

BUSY_S = 1.0
"""So long a file waits until it is looked again whether there is a place for it."""


class Attachments:
    """Holds back the messages with files that cannot begin yet.

    Args:
        places: so many of them may be in flight at a time.
    """

    def __init__(self, places: int = UPLOADS) -> None:
        self._places = places
        self._under_way: set[int] = set()

    def wait_s(self, item: QueueItem, now: datetime) -> float:
        """Return how long an item has to wait; a file that need not has a place from here on."""
        event = event_of(item) if item.kind == Kind.MANAGER_MESSAGE else None
        if not isinstance(event, ManagerMessage):
            return 0.0
        waited_s = (now - item.created_at).total_seconds()
        if event.media_group_id and 0 <= waited_s < GROUP_S and item.progress == 0:
            return GROUP_S - waited_s  # less than 0: the clock was set back meanwhile
        if not has_file(event) or item.id in self._under_way:
            return 0.0
        if len(self._under_way) >= self._places:
            return BUSY_S
        self._under_way.add(item.id)
        return 0.0

    def ended(self, item: QueueItem) -> None:
        """Give the place of an item back."""
        self._under_way.discard(item.id)


def has_file(event: ManagerMessage) -> bool:
    """Tell whether a file has to be fetched for a message."""
    forwards = event.forwards.messages if event.forwards else ()
    return bool(event.body.media) or any(message.body.media for message in forwards)
