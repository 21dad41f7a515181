"""The status of a message that an operator dropped (pure)."""

from bot.queue.outcomes import Undeliverable
from bot.translate.outgoing import refusals
from storage.queue.order import DROPPED
from storage.queue.reader import QueueItem


def dropped(item: QueueItem, *, is_uncertain: bool = False) -> Undeliverable:
    """Return the end of an item that was dropped.

    Args:
        item: as it was before.
        is_uncertain: whether an attempt of it that has just ended may have been carried out.
    """
    may_have_arrived = is_uncertain or item.is_uncertain or item.progress > 0
    verdict = refusals.DROPPED_UNSURE if may_have_arrived else refusals.DROPPED
    return Undeliverable(DROPPED, code=verdict.code, text=verdict.text)
