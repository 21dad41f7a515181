"""Claim items that are due and may begin; the others wait in the queue."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from bot.deliver.chances import look_after_s
from bot.deliver.destination import OPEN, Gate
from bot.deliver.recorder import Recorder
from bot.deliver.retries import Retries
from bot.deliver.schedule import IDLE_S, Schedule
from bot.queue.outcomes import Undeliverable
from storage.database import Database, Snapshot, Transaction
from storage.patience import ask, persist
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

OVERDUE_EVERY_S, OVERDUE = 1.0, 100
"""How often, and how many of them, untried items are given up behind a closed gate."""


class Claimer:
    """Claims one direction's items, the lanes in turn, as far as schedule and gate allow."""

    def __init__(
        self,
        database: Database,
        direction: Direction,
        *,
        schedule: Schedule,
        recorder: Recorder,
        retries: Retries,
        gate: Gate = OPEN,
    ) -> None:
        self._database = database
        self._direction = direction
        self._schedule = schedule
        self._recorder = recorder
        self._retries = retries
        self._gate = gate
        self._looked_at = database.now()
        self._overdue_at = 0.0
        self.woken = database.changed(direction)
        """Set when something may have become due, or may begin."""

    @property
    def is_busy(self) -> bool:
        """Tell whether so much is in flight that waiting for more to come together pays."""
        return self._schedule.is_busy

    def ended(self, item: QueueItem) -> None:
        """Learn that a delivery has ended: its place is free."""
        self._schedule.ended(item.lane)
        self.woken.set()

    async def claim(self) -> list[QueueItem]:
        """Claim what may begin now; every item counts as in flight until it has `ended`."""
        self._looked_at, self._schedule.opens_in_s = self._database.now(), IDLE_S
        if self._schedule.places <= 0:
            return []
        due = await ask(self._database, self._due_lanes)
        await self._give_up_held(due)
        dealt = self._schedule.deal(due, time_s=asyncio.get_running_loop().time())
        if not dealt:
            return []
        claimed, given_up = await persist(self._database, partial(self._claim, dealt=dealt))
        for item, outcome in given_up:
            self._recorder.ended(item, outcome)
        for item in claimed:
            self._schedule.began(item.lane)
            self._gate.begin(item)
        return claimed

    async def idle_s(self) -> float:
        """Return how long there is nothing to do, unless `woken` tells otherwise."""
        pause_s = min(self._schedule.opens_in_s, IDLE_S)
        due_at = await ask(self._database, self._next_due_at)
        if due_at is None:
            return pause_s
        return min(max((due_at - self._database.now()).total_seconds(), 0.0), pause_s)

    async def _due_lanes(self, snapshot: Snapshot) -> list[str]:
        return await snapshot.queue(self._direction).due_lanes(now=self._looked_at)

    async def _next_due_at(self, snapshot: Snapshot) -> datetime | None:
        return await snapshot.queue(self._direction).next_due_at(after=self._looked_at)

    async def _overdue(self, snapshot: Snapshot, lane: str) -> list[QueueItem]:
        queue = snapshot.queue(self._direction)
        return await queue.overdue(lane, now=self._looked_at, limit=OVERDUE)

    async def _give_up_held(self, due: Sequence[str]) -> None:
        """Give up what waits untried behind a gate that the other side closed for long."""
        time_s = asyncio.get_running_loop().time()
        held = [lane for lane in due if self._gate.holds(lane)]
        if not held or time_s < self._overdue_at:
            return
        self._overdue_at = time_s + OVERDUE_EVERY_S
        for lane in held:
            items = await ask(self._database, partial(self._overdue, lane=lane))
            ends = [(item, self._retries.end_untried(item, self._looked_at)) for item in items]
            await asyncio.gather(*(self._recorder.finish(item, end) for item, end in ends if end))

    async def _claim(
        self, tx: Transaction, dealt: Mapping[str, int]
    ) -> tuple[list[QueueItem], list[tuple[QueueItem, Undeliverable]]]:
        """Claim items; those that would come too soon are put off, so that they hold no place.

        Returns:
            what may begin, and what is given up instead.
        """
        queue, now, claimed, given_up = tx.queue(self._direction), self._looked_at, [], []
        for lane, limit in dealt.items():
            for item in await queue.take(now=now, limit=limit, lane=lane):
                wait_s = self._gate.wait_s(item)
                if wait_s <= 0:
                    claimed.append(item)
                elif outcome := self._retries.end_untried(item, now):
                    await self._recorder.end(tx, item, outcome)
                    given_up.append((item, outcome))
                else:
                    after_s = look_after_s(item, wait_s, now=now)
                    await queue.release(item.id, due_at=now + timedelta(seconds=after_s))
        return claimed, given_up
