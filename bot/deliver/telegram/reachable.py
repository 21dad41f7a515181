"""Reachability: for how long to believe that a client has blocked the bot.

Telegram tells of an unblocked bot once, and that update may be lost; so it is asked again.
"""

from datetime import datetime, timedelta

from storage.conversations import Conversation
from storage.queue.reader import QueueItem

BELIEVED = timedelta(minutes=10)
"""How long to believe that the bot is still blocked before asking again."""


def is_blocked(known: Conversation | None, item: QueueItem, *, now: datetime) -> bool:
    """Tell whether an item is refused without asking Telegram (pure)."""
    if known is None or known.is_reachable or known.reachability_at is None:
        return False
    return not item.is_retried and timedelta() <= now - known.reachability_at < BELIEVED
