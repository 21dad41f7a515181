"""The delivery loop, the same for both directions: take what is due, send, record."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from bot.deliver.chances import Chance, Chances, Held, look_after_s
from bot.deliver.fairness import Room, deal
from bot.deliver.poison import Poison, Suspects
from bot.queue.items import name_of
from bot.queue.outcomes import (
    FAILS_ALONE,
    Delivered,
    NotYet,
    Outcome,
    RetryLater,
    RetryPolicy,
    Undeliverable,
)
from bot.words import counted
from storage.database import Database, Snapshot, Transaction
from storage.errors import StorageError
from storage.patience import ask, persist
from storage.queue.attempts import Attempt, Result
from storage.queue.direction import Direction
from storage.queue.durable import DurableQueue
from storage.queue.reader import QueueItem, QueueReader

IDLE_S = 1.0
"""How often an idle queue is looked at, for what another process (`queue retry`) put there."""

REFILL_S = 0.02
"""While a lane has more than half of its places taken, the rest is filled no more often than so.

One commit then claims many items, not one each time a place is free.
"""

TURN_S = 0.01
"""How long the loop lets things come together while many deliveries are under way."""

OVERDUE_EVERY_S, OVERDUE = 1.0, 100
"""How often, and how many of them, untried items are given up behind a closed gate."""

JUMP_S = 60.0
"""When the clock and the time that really passed differ by more, somebody moved the clock."""

CHANCE, POISON = Chance(), Poison()

log = logging.getLogger(__name__)


class Destination(Protocol):
    """One side that items are delivered to."""

    @property
    def name(self) -> str:
        """Name the destination for logs: Kommo, Telegram."""
        ...

    def room(self, lane: str) -> Room:
        """Return how much of a lane may begin now."""
        ...

    def wait_s(self, item: QueueItem) -> float:
        """Return how long an item has to wait for its own sake; 0 for not at all."""
        ...

    def holds(self, lane: str) -> bool:
        """Tell whether the other side asked that nothing of a lane begin."""
        ...

    def held(self, item: QueueItem) -> Held | None:
        """Tell whether, and for how long, the other side asked that an item not begin."""
        ...

    def begin(self, item: QueueItem) -> None:
        """Count an item that begins."""
        ...

    async def send(self, item: QueueItem) -> Outcome:
        """Make one attempt."""
        ...

    async def settle(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store what follows from the end of an item, in the transaction that ends it."""
        ...


class Sending(Protocol):
    """Whoever keeps what a destination took until it is recorded: where nobody else could say."""

    def stop(self) -> None:
        """Begin nothing more."""
        ...

    async def left_over(self) -> Sequence[tuple[QueueItem, Delivered]]:
        """Return what an earlier process delivered without recording it."""
        ...

    def forget_left_over(self) -> None:
        """Learn that all of it is recorded."""
        ...

    def recorded(self, item: QueueItem) -> None:
        """Learn that what came of an attempt is recorded, and on disk."""
        ...

    def waited_s(self, item: QueueItem) -> float:
        """Return how long an attempt only waited; asked once."""
        ...


class Observe(Protocol):
    """Whoever counts attempts."""

    def __call__(self, item: QueueItem, outcome: Outcome, *, took_s: float, age_s: float) -> None:
        """Take note of one attempt."""
        ...


class Worker:
    """Delivers one queue: in order within an ordering key, in parallel across them."""

    def __init__(
        self,
        database: Database,
        direction: Direction,
        destination: Destination,
        *,
        policy: RetryPolicy,
        concurrency: int,
        share: int | None = None,
        now: Callable[[], datetime],
        redact: Callable[[str], str],
        starts_after: asyncio.Event | None = None,
        observe: Observe | None = None,
        is_paused: Callable[[], bool] = lambda: False,
        sending: Sending | None = None,
        chance: Chance = CHANCE,
        poison: Poison = POISON,
    ) -> None:
        self._database = database
        self._direction = direction
        self._destination = destination
        self._policy = policy
        self._concurrency = concurrency
        self._share = share or concurrency
        self._now = now
        self._redact = redact
        self._running: dict[asyncio.Task[None], str] = {}
        self._served: dict[str, int] = {}
        self._filled_at: dict[str, float] = {}
        self._looked_at = now()
        self._clocks: tuple[datetime, float] | None = None
        self._opens_in_s = IDLE_S
        self._starts_after = starts_after
        self._observe = observe
        self._is_paused = is_paused
        self._sending = sending
        self._chances = Chances(chance)
        self._suspects = Suspects(poison)
        self._overdue_at = 0.0
        self._stopping = asyncio.Event()
        self._woken = database.changed(direction)
        self.moved_at: float | None = None
        """When the loop turned last, by the event loop's clock; for the watchdog."""

    @property
    def name(self) -> str:
        """Name the worker for logs."""
        return f"delivery to {self._destination.name}"

    async def run(self) -> None:
        """Deliver until `stop`; raises when the database fails."""
        await self._record_left_over()
        await self._may_start()
        self._chances.begin_anew()
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping.is_set():
                self._woken.clear()
                self.moved_at = asyncio.get_running_loop().time()
                await self._watch_clock()
                items = await self._take_unless_paused()
                for item in items:
                    self._destination.begin(item)
                    task = tasks.create_task(self._process(item))
                    self._running[task] = item.lane
                    task.add_done_callback(self._ended)
                if not items:
                    await self._rest()
                if 2 * len(self._running) > self._share:
                    await asyncio.sleep(TURN_S)

    async def _record_left_over(self) -> None:
        """Record what an earlier process delivered before it was killed."""
        if self._sending is None:
            return
        for item, outcome in await self._sending.left_over():
            log.info("was delivered before the last stop", extra=self._fields(item))
            await self._store_end(item, outcome, None, self._now())
        self._sending.forget_left_over()

    def stop(self) -> None:
        """Take and begin nothing more; `run` returns when what is in flight has ended."""
        self._stopping.set()
        if self._sending is not None:
            self._sending.stop()
        self._woken.set()

    async def _may_start(self) -> None:
        """Wait for what the deliveries need, or for the end."""
        if self._starts_after is None:
            return
        waiting = [
            asyncio.create_task(self._starts_after.wait()),
            asyncio.create_task(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    async def _watch_clock(self) -> None:
        """Let pauses and lifetimes last as long as they should when the clock is moved."""
        now, passed = self._now(), asyncio.get_running_loop().time()
        last_now, last_passed = self._clocks or (now, passed)
        self._clocks = now, passed
        jump_s = (now - last_now).total_seconds() - (passed - last_passed)
        if abs(jump_s) > JUMP_S:
            log.warning("the clock was moved by %.0f s; what waits follows it", jump_s)
            await persist(
                self._database,
                lambda tx: self._queue(tx).follow_clock(by_s=jump_s, now=now, before=last_now),
            )

    async def _take_unless_paused(self) -> list[QueueItem]:
        if self._is_paused():
            self._chances.begin_anew()
            return []
        return await self._take()

    async def _take(self) -> list[QueueItem]:
        """Claim what may begin, the lanes one in turn; what has to wait waits in the queue."""
        self._looked_at, self._opens_in_s = self._now(), IDLE_S
        places = self._concurrency - len(self._running)
        if places <= 0:
            return []
        due = await ask(
            self._database, lambda snapshot: self._reader(snapshot).due_lanes(now=self._looked_at)
        )
        await self._give_up_held(due)
        dealt = self._deal(due, places)
        if not dealt:
            return []
        claimed, given_up = await persist(
            self._database, partial(self._claim, dealt=dealt, now=self._looked_at)
        )
        for item, outcome in given_up:
            self._report(item, outcome)
        return claimed

    async def _give_up_held(self, due: Sequence[str]) -> None:
        """Give up what waits untried behind a gate that the other side closed for long."""
        time_s = asyncio.get_running_loop().time()
        held = [lane for lane in due if self._destination.holds(lane)]
        if not held or time_s < self._overdue_at:
            return
        self._overdue_at = time_s + OVERDUE_EVERY_S
        for lane in held:
            items = await ask(self._database, partial(self._overdue, lane=lane))
            ends = [(item, self._given_up_untried(item, self._looked_at)) for item in items]
            await asyncio.gather(
                *(self._finish(item, end, None, self._looked_at) for item, end in ends if end)
            )

    async def _overdue(self, snapshot: Snapshot, lane: str) -> list[QueueItem]:
        return await self._reader(snapshot).overdue(lane, now=self._looked_at, limit=OVERDUE)

    def _given_up_untried(self, item: QueueItem, now: datetime) -> Undeliverable | None:
        """Return the end of an item that the other side holds back beyond its time."""
        held = self._destination.held(item)
        if held is None or not self._chances.is_over_untried(item, held, now=now):
            return None
        reason = f"gave up: {held.outcome.reason} for {held.span_s:.0f} s"
        return Undeliverable(reason, code=held.outcome.code, text=held.outcome.text)

    def _deal(self, due: Sequence[str], places: int) -> dict[str, int]:
        """Return how many items of each lane may begin; who waited longest comes first."""
        busy = Counter(self._running.values())
        lanes = sorted(due, key=lambda lane: self._served.get(lane, 0))
        time_s = asyncio.get_running_loop().time()
        rooms = {lane: self._room(lane, self._share - busy[lane], time_s) for lane in lanes}
        dealt = deal(rooms, places)
        self._filled_at |= dict.fromkeys(dealt, time_s)
        closed = [room.opens_in_s for lane, room in rooms.items() if lane not in dealt]
        self._opens_in_s = min((one for one in closed if one is not None), default=IDLE_S)
        latest = max(self._served.values(), default=0)
        self._served |= {lane: latest + turn for turn, lane in enumerate(dealt, start=1)}
        return dealt

    def _room(self, lane: str, places: int, time_s: float) -> Room:
        """Return how much of a lane may begin: none at all while too few could."""
        refill_s = self._filled_at.get(lane, 0.0) + REFILL_S - time_s
        if places <= 0:
            return Room(lane, 0)
        if places < self._share // 2 and refill_s > 0:
            return Room(lane, 0, refill_s)
        return replace(self._destination.room(lane), places=places)

    async def _claim(
        self, tx: Transaction, dealt: Mapping[str, int], now: datetime
    ) -> tuple[list[QueueItem], list[tuple[QueueItem, Undeliverable]]]:
        """Claim items; those that would come too soon are put off, so that they hold no place.

        Returns:
            what may begin, and what is given up instead.
        """
        queue, claimed, given_up = self._queue(tx), [], []
        for lane, limit in dealt.items():
            for item in await queue.take(now=now, limit=limit, lane=lane):
                wait_s = self._destination.wait_s(item)
                if wait_s <= 0:
                    claimed.append(item)
                elif outcome := self._given_up_untried(item, now):
                    await self._end(tx, item, outcome, None, now)
                    given_up.append((item, outcome))
                else:
                    after_s = look_after_s(item, wait_s, now=now)
                    await queue.release(item.id, due_at=now + timedelta(seconds=after_s))
        return claimed, given_up

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Note that a place is free."""
        self._running.pop(task, None)
        self._woken.set()

    async def _rest(self) -> None:
        """Sleep until something is due or was put into the queue."""
        due_at = await ask(
            self._database,
            lambda snapshot: self._reader(snapshot).next_due_at(after=self._looked_at),
        )
        pause_s = IDLE_S if self._is_paused() else min(self._opens_in_s, IDLE_S)
        if due_at is not None and not self._is_paused():
            pause_s = min(max((due_at - self._now()).total_seconds(), 0.0), pause_s)
        try:
            async with asyncio.timeout(pause_s):  # wait_for may swallow a cancellation here
                await self._woken.wait()
        except TimeoutError:
            return

    async def _process(self, item: QueueItem) -> None:
        began_at = asyncio.get_running_loop().time()
        outcome = await self._attempt(item)
        took_s = asyncio.get_running_loop().time() - began_at
        if self._sending is not None:
            took_s -= self._sending.waited_s(item)
        if isinstance(outcome, NotYet):
            await self._put_off(item, outcome)
        else:
            if self._observe is not None:
                age_s = (self._now() - item.created_at).total_seconds()
                self._observe(item, outcome, took_s=took_s, age_s=age_s)
            await self._record(item, outcome, took_s)
        if self._sending is not None:
            self._sending.recorded(item)

    async def _attempt(self, item: QueueItem) -> Outcome:
        """Make one attempt; a bug of ours is logged and tried again, so that it stops nobody."""
        try:
            return await self._destination.send(item)
        except Exception as error:
            log.exception(
                "delivery to %s failed unexpectedly",
                self._destination.name,
                extra=self._fields(item),
            )
            reason = f"unexpected {type(error).__name__}: {error}"
            return RetryLater(reason, is_uncertain=True, is_suspect=True)

    async def _put_off(self, item: QueueItem, outcome: NotYet) -> None:
        now = self._now()
        given_up = self._given_up_untried(item, now)
        if given_up is not None:
            await self._finish(item, given_up, None, now)
            return
        due_at = now + timedelta(seconds=look_after_s(item, outcome.after_s, now=now))
        await persist(self._database, lambda tx: self._queue(tx).release(item.id, due_at=due_at))

    async def _record(
        self, item: QueueItem, outcome: Delivered | RetryLater | Undeliverable, took_s: float
    ) -> None:
        now = self._now()
        failed = self._failed(item, outcome, took_s, now)
        if isinstance(outcome, RetryLater):
            end = self._given_up(item, outcome, now)
            if end is None:
                await self._postpone(item, outcome, now, failed)
                return
            outcome = end
        await self._finish(item, outcome, failed, now)

    def _given_up(self, item: QueueItem, last: RetryLater, now: datetime) -> Undeliverable | None:
        """Return the end of an item, if the attempt that failed was its last one."""
        self._chances.failed(item)
        if last.is_suspect and self._suspects.failed(item):
            reason = f"{FAILS_ALONE}: {last.reason}"
            return Undeliverable(reason, code=last.code, text=last.text)
        if self._chances.is_over(item, now=now):
            reason = f"gave up after {counted(item.attempts, 'attempt')}: {last.reason}"
            return Undeliverable(reason, code=last.code, text=last.text)
        return None

    async def _store_end(
        self,
        item: QueueItem,
        outcome: Delivered | Undeliverable,
        failed: Attempt | None,
        now: datetime,
    ) -> None:
        """Store an end with what follows from it; a bug of ours there costs what follows only."""
        end = partial(self._end, item=item, outcome=outcome, failed=failed, now=now)
        try:
            await persist(self._database, end)
        except StorageError:
            raise
        except Exception as error:
            log.exception("what follows from a delivery was not stored", extra=self._fields(item))
            reason = f"unexpected {type(error).__name__} while its end was stored"
            bare = partial(self._end_bare, item=item, outcome=outcome, reason=reason, now=now)
            await persist(self._database, bare)

    async def _end_bare(
        self,
        tx: Transaction,
        item: QueueItem,
        outcome: Delivered | Undeliverable,
        reason: str,
        now: datetime,
    ) -> None:
        """End an item and nothing else: what was delivered is done, and not sent again."""
        if isinstance(outcome, Delivered):
            await self._queue(tx).finish(item.id, now=now)
        else:
            await self._queue(tx).bury(item.id, now=now, reason=reason)

    async def _finish(
        self,
        item: QueueItem,
        outcome: Delivered | Undeliverable,
        failed: Attempt | None,
        now: datetime,
    ) -> None:
        """Store the end of an item, and say it."""
        await self._store_end(item, outcome, failed, now)
        self._chances.ended(item)
        self._suspects.ended(item)
        if isinstance(outcome, Delivered):
            self._suspects.delivered(item)
        self._report(item, outcome)

    async def _end(
        self,
        tx: Transaction,
        item: QueueItem,
        outcome: Delivered | Undeliverable,
        failed: Attempt | None,
        now: datetime,
    ) -> None:
        queue = self._queue(tx)
        if failed is not None:
            await tx.attempts.record(failed)
        if isinstance(outcome, Delivered):
            await queue.finish(item.id, now=now)
        else:
            await queue.bury(item.id, now=now, reason=self._redact(outcome.reason))
        await self._destination.settle(tx, item, outcome)

    def _failed(
        self,
        item: QueueItem,
        outcome: Delivered | RetryLater | Undeliverable,
        took_s: float,
        now: datetime,
    ) -> Attempt | None:
        """Return what is kept of an attempt; nothing of one that delivered: its item says it."""
        if isinstance(outcome, Delivered):
            return None
        is_final = isinstance(outcome, Undeliverable)
        result: Result = "undeliverable" if is_final else "retry_later"
        return Attempt(
            direction=self._direction,
            item_id=item.id,
            number=item.attempts,
            began_at=now - timedelta(seconds=took_s),
            took_ms=round(took_s * 1000),
            outcome=result,
            reason=self._redact(outcome.reason),
            is_uncertain=isinstance(outcome, RetryLater) and outcome.is_uncertain,
        )

    async def _postpone(
        self, item: QueueItem, outcome: RetryLater, now: datetime, failed: Attempt | None
    ) -> None:
        delay_s = self._policy.delay_s(item.attempts, outcome.after_s, random.random())  # noqa: S311 - jitter, no secret
        if self._destination.held(item) is not None:
            delay_s = look_after_s(item, delay_s, now=now)
        reason = self._redact(outcome.reason)
        log.warning(
            "delivery to %s failed, next attempt in %.0f s: %s",
            self._destination.name,
            delay_s,
            reason,
            extra=self._fields(item),
        )

        async def put_back(tx: Transaction) -> None:
            if failed is not None:
                await tx.attempts.record(failed)
            await self._queue(tx).retry_later(
                item.id,
                due_at=now + timedelta(seconds=delay_s),
                reason=reason,
                is_uncertain=outcome.is_uncertain,
                is_unknown=outcome.is_unknown,
            )

        await persist(self._database, put_back)

    def _report(self, item: QueueItem, outcome: Delivered | Undeliverable) -> None:
        if isinstance(outcome, Delivered):
            log.info("delivered to %s", self._destination.name, extra=self._fields(item))
            return
        log.error(
            "not delivered to %s: %s",
            self._destination.name,
            self._redact(outcome.reason),
            extra=self._fields(item),
        )

    def _fields(self, item: QueueItem) -> dict[str, object]:
        """Return what names an item in a log line."""
        return {
            "kind": item.kind,
            "conversation": item.conversation_id,
            "item": name_of(self._direction, item.id),
            "attempt": item.attempts,
        }

    def _queue(self, tx: Transaction) -> DurableQueue:
        return tx.queue(self._direction)

    def _reader(self, snapshot: Snapshot) -> QueueReader:
        return snapshot.queue(self._direction)
