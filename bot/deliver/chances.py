"""When an item is given up: its time is over, and it had its chance since it could be tried.

A pause, or a time in which the bridge was off, is no attempt; neither is a wait behind others.
All of it is in memory: a start, or the end of a pause, begins the chances anew. See decision 0041.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.queue.outcomes import RetryLater
from storage.queue.reader import QueueItem

REMEMBERED = 10_000
"""Of more items than this, those that failed first get a new chance."""

LOOK_AGAIN_S = 5.0
"""How often an item is looked at that is held back though its time is over."""


@dataclass(frozen=True)
class Chance:
    """What an item has coming; no more time than its whole lifetime.

    Args:
        tries: so many attempts.
        tried_s: so long must have passed since the first of them.
        held_s: for so long at least the other side holds back an item that is given up untried.
        open_s: so long deliveries must have been going on by then.
    """

    tries: int = 3
    tried_s: float = 10.0
    held_s: float = 60.0
    open_s: float = 300.0


@dataclass(frozen=True)
class Held:
    """The other side asked not to be sent something now.

    Args:
        span_s: from the moment when it began to ask so until it lets it begin.
        outcome: what an attempt would come to.
    """

    span_s: float
    outcome: RetryLater


class Chances:
    """Remembers what was tried, and since when anything could be.

    Args:
        chance: what an item has coming.
        now_s: the clock that only goes forward.
    """

    def __init__(self, chance: Chance, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._chance = chance
        self._now_s = now_s
        self._open_since = now_s()
        self._failures: OrderedDict[int, tuple[int, float]] = OrderedDict()

    def begin_anew(self) -> None:
        """Learn that nothing could be tried until now."""
        self._open_since = self._now_s()
        self._failures.clear()

    def failed(self, item: QueueItem) -> None:
        """Count an attempt whose failure is not the item's fault, or may pass."""
        tries, since_s = self._failures.pop(item.id, (0, self._now_s()))
        self._failures[item.id] = tries + 1, since_s
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def ended(self, item: QueueItem) -> None:
        """Forget an item."""
        self._failures.pop(item.id, None)

    def is_over(self, item: QueueItem, *, now: datetime) -> bool:
        """Tell whether the attempt that just failed was the last one."""
        tries, since_s = self._failures.get(item.id, (0, self._now_s()))
        tried_s = self._now_s() - since_s
        return (
            now >= item.expires_at
            and tries >= self._chance.tries
            and tried_s >= min(self._chance.tried_s, _lifetime_s(item))
        )

    def is_over_untried(self, item: QueueItem, held: Held, *, now: datetime) -> bool:
        """Tell whether an item is given up that the other side holds back."""
        lifetime_s = _lifetime_s(item)
        return (
            now >= item.expires_at
            and held.span_s >= min(self._chance.held_s, lifetime_s)
            and self._now_s() - self._open_since >= min(self._chance.open_s, lifetime_s)
        )


def look_after_s(item: QueueItem, wait_s: float, *, now: datetime) -> float:
    """Return when to look at an item that is held back: as soon as its time is over (pure)."""
    return min(wait_s, max((item.expires_at - now).total_seconds(), LOOK_AGAIN_S))


def _lifetime_s(item: QueueItem) -> float:
    return max((item.expires_at - item.created_at).total_seconds(), 0.0)
