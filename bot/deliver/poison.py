"""Items that fail again and again while others like them are delivered.

Nothing is wrong with the other side then, so such an item is given up early: a person is told, and
its conversation goes on. In memory: a restart forgets its suspicions. See decision 0041.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from storage.queue.reader import QueueItem

REMEMBERED = 10_000
"""Of more items than this, those that failed longest ago are suspected anew."""


@dataclass(frozen=True)
class Poison:
    """What makes an item one.

    Args:
        failures: so many, between any two of which others were delivered.
        over_s: so much time from the first of them to the last.
    """

    failures: int = 6
    over_s: float = 300.0


@dataclass(frozen=True)
class Suspicion:
    """What is known of an item that failed.

    Args:
        failures: how many counted.
        since_s: when the first of them was.
        others: how many others had been delivered at the last one.
    """

    failures: int
    since_s: float
    others: int


class Suspects:
    """Remembers which items failed, and how many others were delivered meanwhile.

    Args:
        poison: what makes an item one.
        now_s: the clock that only goes forward.
    """

    def __init__(self, poison: Poison, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._poison = poison
        self._now_s = now_s
        self._delivered: Counter[Hashable] = Counter()
        self._suspicions: OrderedDict[int, Suspicion] = OrderedDict()

    def delivered(self, item: QueueItem) -> None:
        """Learn that the other side takes such items."""
        self._delivered[_group(item)] += 1

    def ended(self, item: QueueItem) -> None:
        """Forget an item."""
        self._suspicions.pop(item.id, None)

    def failed(self, item: QueueItem) -> bool:
        """Count a failure that may be the item's own; tell whether it is to be given up."""
        others, now_s = self._delivered[_group(item)], self._now_s()
        known = self._suspicions.pop(item.id, None) or Suspicion(0, now_s, -1)
        if others > known.others:
            known = replace(known, failures=known.failures + 1, others=others)
        self._suspicions[item.id] = known
        while len(self._suspicions) > REMEMBERED:
            self._suspicions.popitem(last=False)
        is_long = now_s - known.since_s >= self._poison.over_s
        return is_long and known.failures >= self._poison.failures


def _group(item: QueueItem) -> Hashable:
    """Return what items have in common that meet the same fate: their kind, and their bot."""
    return item.kind, (item.conversation_id or "").rpartition(":")[0]
