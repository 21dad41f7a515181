"""Scheduling: how many items of each lane may begin now. Pure but for its counters."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bot.deliver.destination import OPEN, Gate
from bot.deliver.fairness import Room, deal

IDLE_S = 1.0
"""How often an idle queue is looked at, for what another process (`queue retry`) put there."""

REFILL_S = 0.02
"""While a lane has more than half of its places taken, the rest is filled no more often than so.

One commit then claims many items, not one each time a place is free.
"""


class Schedule:
    """Shares the places between the lanes, those first that waited longest.

    Args:
        concurrency: how many deliveries may be in flight in all.
        share: how many of one lane; None for all.
        gate: what the other side has room for.
    """

    def __init__(self, concurrency: int, share: int | None = None, *, gate: Gate = OPEN) -> None:
        self._concurrency = concurrency
        self._share = share or concurrency
        self._gate = gate
        self._running: Counter[str] = Counter()
        self._served: dict[str, int] = {}
        self._filled_at: dict[str, float] = {}
        self.opens_in_s = IDLE_S
        """When a lane that was closed at the last look may open."""

    @property
    def places(self) -> int:
        """Return how many more may be in flight."""
        return max(self._concurrency - self._running.total(), 0)

    @property
    def is_busy(self) -> bool:
        """Tell whether so much is in flight that waiting for more to come together pays."""
        return 2 * self._running.total() > self._share

    def began(self, lane: str) -> None:
        """Count a delivery that began."""
        self._running[lane] += 1

    def ended(self, lane: str) -> None:
        """Count a delivery that ended."""
        self._running[lane] -= 1
        if not self._running[lane]:
            del self._running[lane]

    def deal(self, due: Sequence[str], *, time_s: float) -> dict[str, int]:
        """Return how many items of each lane may begin; who waited longest comes first.

        Args:
            due: the lanes that have something to do.
            time_s: the clock that only goes forward.
        """
        lanes = sorted(due, key=lambda lane: self._served.get(lane, 0))
        rooms = {lane: self._room(lane, time_s) for lane in lanes}
        dealt = deal(rooms, self.places)
        self._filled_at |= dict.fromkeys(dealt, time_s)
        closed = [room.opens_in_s for lane, room in rooms.items() if lane not in dealt]
        self.opens_in_s = min((one for one in closed if one is not None), default=IDLE_S)
        latest = max(self._served.values(), default=0)
        self._served |= {lane: latest + turn for turn, lane in enumerate(dealt, start=1)}
        return dealt

    def _room(self, lane: str, time_s: float) -> Room:
        """Return how much of a lane may begin: none at all while too few could."""
        places = self._share - self._running[lane]
        refill_s = self._filled_at.get(lane, 0.0) + REFILL_S - time_s
        if places <= 0:
            return Room(lane, 0)
        if places < self._share // 2 and refill_s > 0:
            return Room(lane, 0, refill_s)
        return replace(self._gate.room(lane), places=places)
