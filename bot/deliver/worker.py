"""The delivery loop, the same for both directions: take what is due, send, record."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, Protocol

from bot.outcome import Delivered, Outcome, RetryLater, RetryPolicy, Undeliverable
from bot.patience import persist
from storage.attempts import Attempt, Result
from storage.database import Database, Transaction
from storage.queue import DurableQueue, QueueItem

IDLE_S = 1.0
"""How often an idle queue is looked at, for what another process (`queue retry`) put there."""

log = logging.getLogger(__name__)


class Destination(Protocol):
    """One side that items are delivered to."""

    @property
    def name(self) -> str:
        """Name the destination for logs: Kommo, Telegram."""
        ...

    def turn(self, item: QueueItem) -> AbstractAsyncContextManager[None]:
        """Wait until this item may be sent; held until its outcome is recorded."""
        ...

    async def send(self, item: QueueItem) -> Outcome:
        """Make one attempt."""
        ...

    async def settle(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store what follows from the end of an item, in the transaction that ends it."""
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
        queue: Literal["inbox", "outbox"],
        destination: Destination,
        *,
        policy: RetryPolicy,
        concurrency: int,
        now: Callable[[], datetime],
        redact: Callable[[str], str],
        starts_after: asyncio.Event | None = None,
        observe: Observe | None = None,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._name: Literal["inbox", "outbox"] = queue
        self._destination = destination
        self._policy = policy
        self._concurrency = concurrency
        self._now = now
        self._redact = redact
        self._running: set[asyncio.Task[None]] = set()
        self._starts_after = starts_after
        self._observe = observe
        self._is_paused = is_paused
        self._stopping = asyncio.Event()
        self._woken = database.changed(queue)
        self.moved_at: float | None = None
        """When the loop turned last, by the event loop's clock; for the watchdog."""

    @property
    def name(self) -> str:
        """Name the worker for logs."""
        return f"delivery to {self._destination.name}"

    async def run(self) -> None:
        """Deliver until `stop`; raises when the database fails."""
        await self._may_start()
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping.is_set():
                self._woken.clear()
                self.moved_at = asyncio.get_running_loop().time()
                items = [] if self._is_paused() else await self._take()
                for item in items:
                    task = tasks.create_task(self._process(item))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                if not items:
                    await self._rest()

    def stop(self) -> None:
        """Take nothing more; `run` returns when what is under way has ended."""
        self._stopping.set()
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

    async def _take(self) -> list[QueueItem]:
        free = self._concurrency - len(self._running)
        if free <= 0:
            await asyncio.wait(self._running, timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED)
            free = self._concurrency - len(self._running)
        if free <= 0:
            return []
        return await persist(
            self._database, lambda tx: self._queue(tx).take(now=self._now(), limit=free)
        )

    async def _rest(self) -> None:
        """Sleep until something is due or was put into the queue."""
        async with self._database.snapshot() as snapshot:
            due_at = await getattr(snapshot, self._name).next_due_at()
        pause_s = IDLE_S
        if due_at is not None and not self._is_paused():
            pause_s = min(max((due_at - self._now()).total_seconds(), 0.0), IDLE_S)
        try:
            async with asyncio.timeout(pause_s):  # wait_for may swallow a cancellation here
                await self._woken.wait()
        except TimeoutError:
            return

    async def _process(self, item: QueueItem) -> None:
        async with self._destination.turn(item):
            began_at = asyncio.get_running_loop().time()
            outcome = await self._attempt(item)
            took_s = asyncio.get_running_loop().time() - began_at
            if self._observe is not None:
                age_s = (self._now() - item.created_at).total_seconds()
                self._observe(item, outcome, took_s=took_s, age_s=age_s)
            await self._record(item, outcome, took_s)

    async def _attempt(self, item: QueueItem) -> Outcome:
        """Make one attempt; a bug of ours is logged and tried again, so that it stops nobody."""
        try:
            return await self._destination.send(item)
        except Exception as error:
            log.exception(
                "delivery to %s failed unexpectedly",
                self._destination.name,
                extra={"item": item.id, "attempt": item.attempts},
            )
            return RetryLater(f"unexpected {type(error).__name__}: {error}", is_uncertain=True)

    async def _record(self, item: QueueItem, outcome: Outcome, took_s: float) -> None:
        now = self._now()
        failed = self._failed(item, outcome, took_s, now)
        if isinstance(outcome, RetryLater):
            if now < item.expires_at:
                await self._postpone(item, outcome, now, failed)
                return
            outcome = _gave_up(item, outcome)
        end = partial(self._end, item=item, outcome=outcome, failed=failed, now=now)
        await persist(self._database, end)
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
        self, item: QueueItem, outcome: Outcome, took_s: float, now: datetime
    ) -> Attempt | None:
        """Return what is kept of an attempt; nothing of one that delivered: its item says it."""
        if isinstance(outcome, Delivered):
            return None
        is_final = isinstance(outcome, Undeliverable)
        result: Result = "undeliverable" if is_final else "retry_later"
        return Attempt(
            queue=self._name,
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
        reason = self._redact(outcome.reason)
        log.warning(
            "delivery to %s failed, next attempt in %.0f s: %s",
            self._destination.name,
            delay_s,
            reason,
            extra=_fields(item),
        )

        async def put_back(tx: Transaction) -> None:
            if failed is not None:
                await tx.attempts.record(failed)
            await self._queue(tx).retry_later(
                item.id,
                due_at=now + timedelta(seconds=delay_s),
                reason=reason,
                is_uncertain=outcome.is_uncertain,
            )

        await persist(self._database, put_back)

    def _report(self, item: QueueItem, outcome: Delivered | Undeliverable) -> None:
        if isinstance(outcome, Delivered):
            log.info("delivered to %s", self._destination.name, extra=_fields(item))
            return
        log.error(
            "not delivered to %s: %s",
            self._destination.name,
            self._redact(outcome.reason),
            extra=_fields(item),
        )

    def _queue(self, tx: Transaction) -> DurableQueue:
        return tx.inbox if self._name == "inbox" else tx.outbox


def _gave_up(item: QueueItem, last: RetryLater) -> Undeliverable:
    """Return the end of an item whose time is over."""
    reason = f"gave up after {item.attempts} attempts: {last.reason}"
    return Undeliverable(reason, code=last.code, text=last.text)


def _fields(item: QueueItem) -> dict[str, object]:
    """Return what names an item in a log line."""
    return {
        "kind": item.kind,
        "conversation": item.conversation_id,
        "item": item.id,
        "attempt": item.attempts,
    }
