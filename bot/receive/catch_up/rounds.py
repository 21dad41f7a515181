"""When each conversation's history is looked at while the bridge runs (pure).

Whoever was silent for longer is looked at less often, and nobody at the same time as all others:
what Kommo is asked stays bounded, however many conversations there are.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

FRESH = timedelta(hours=3)
"""So long after the last message, a conversation is looked at as often as can be."""

LONG = timedelta(days=30)
SELDOM, SELDOMER = 72.0, 144.0
"""The longest pauses, in usual ones: six hours; twelve after a month of silence."""

FORGOTTEN = timedelta(days=365)
"""Conversations that were silent for this long are no longer read, until something arrives."""


def pause_s(quiet: timedelta, every_s: float) -> float:
    """Return the pause between two looks at a conversation by how long it has been quiet."""
    return every_s * min(max(quiet / FRESH, 1.0), SELDOM if quiet <= LONG else SELDOMER)


@dataclass
class _Round:
    active_at: datetime
    looked_at: datetime
    looked_s: float
    due_s: float


class Rounds:
    """Says whose turn it is.

    Args:
        every_s: the shortest pause.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._rounds: dict[str, _Round] = {}
        self._turns: list[tuple[float, str]] = []

    def learn(
        self,
        active: Mapping[str, datetime],
        *,
        now: datetime,
        time_s: float,
        seen_at: datetime,
    ) -> None:
        """Learn which conversations there are; the first looks are spread over the pauses.

        Args:
            active: when each was last active.
            now: now.
            time_s: the same by the event loop's clock.
            seen_at: until when everything was seen.
        """
        for name in self._rounds.keys() - active.keys():
            del self._rounds[name]
        for name, active_at in active.items():
            known = self._rounds.get(name)
            if known is None:
                pause = self._pause_s(active_at, now)
                behind = pause * crc32(name.encode()) / 2**32
                self._rounds[name] = _Round(active_at, seen_at, time_s - behind, 0.0)
                self._turn(name, time_s - behind + pause)
            elif active_at > known.active_at:
                self._moved(name, known, active_at, now)

    def note(self, name: str, *, now: datetime) -> None:
        """Note that something came of a conversation."""
        known = self._rounds.get(name)
        if known is not None:
            self._moved(name, known, now, now)

    def due(self, *, now: datetime, time_s: float) -> dict[str, datetime]:
        """Return whose turn it is, each with when it was looked at last."""
        found = {}
        while self._turns and self._turns[0][0] <= time_s:
            due_s, name = heapq.heappop(self._turns)
            known = self._rounds.get(name)
            if known is None or known.due_s != due_s:
                continue  # it has another turn by now
            found[name] = known.looked_at
            known.looked_at, known.looked_s = now, time_s
            self._turn(name, time_s + self._pause_s(known.active_at, now))
        return found

    def _moved(self, name: str, known: _Round, active_at: datetime, now: datetime) -> None:
        known.active_at = active_at
        due_s = known.looked_s + self._pause_s(active_at, now)
        if due_s < known.due_s:
            self._turn(name, due_s)

    def _turn(self, name: str, due_s: float) -> None:
        self._rounds[name].due_s = due_s
        heapq.heappush(self._turns, (due_s, name))

    def _pause_s(self, active_at: datetime, now: datetime) -> float:
        return pause_s(now - active_at, self._every_s)


class Throttle:
    """So many calls a second and no more, a few of them at once.

    Args:
        per_s: how many.
        at_once: how many may be ahead of that.
    """

    def __init__(self, per_s: float, *, at_once: int = 10) -> None:
        self._every_s = 1 / per_s
        self._ahead_s = (at_once - 1) / per_s
        self._due_s = float("-inf")

    def wait_s(self, time_s: float) -> float:
        """Take the next place; return how long to wait for it."""
        begins_s = max(self._due_s, time_s)
        self._due_s = begins_s + self._every_s
        return max(begins_s - self._ahead_s - time_s, 0.0)
