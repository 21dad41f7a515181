"""Whether a client is asked at all: for how long the word is believed that the bot is blocked.

Telegram tells of an unblocked bot once, and that update may be lost; so it is asked again.
"""

from datetime import datetime, timedelta

from storage.conversations import Conversation
from storage.queue.reader import QueueItem

BELIEVED = timedelta(minutes=10)
"""For so long nobody is asked whether the bot is blocked still."""


def is_blocked(known: Conversation | None, item: QueueItem, *, now: datetime) -> bool:
    """Tell whether an item is refused without asking Telegram (pure)."""
    if known is None or known.is_reachable or known.reachability_at is None:
        return False
    return not item.is_retried and timedelta() <= now - known.reachability_at < BELIEVED
