"""Record outcomes: what an attempt led to, in the database and in the log."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from bot.deliver.chances import look_after_s
from bot.deliver.destination import Destination
from bot.deliver.dropped import dropped
from bot.deliver.retries import Retries
from bot.queue.items import name_of
from bot.queue.outcomes import Delivered, NotYet, Outcome, RetryLater, Undeliverable
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.patience import persist
from storage.queue.attempts import Attempt, Result
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

log = logging.getLogger(__name__)


class Observe(Protocol):
    """Whoever counts attempts."""

    def __call__(self, item: QueueItem, outcome: Outcome, *, took_s: float, age_s: float) -> None:
        """Take note of one attempt."""
        ...


class Recorder:
    """Stores the outcomes of one direction's attempts, and what follows from them."""

    def __init__(
        self,
        database: Database,
        direction: Direction,
        destination: Destination,
        retries: Retries,
        *,
        redact: Callable[[str], str],
        observe: Observe | None = None,
    ) -> None:
        self._database = database
        self._direction = direction
        self._destination = destination
        self._retries = retries
        self._redact = redact
        self._observe = observe

    async def record(self, item: QueueItem, outcome: Outcome, *, took_s: float) -> None:
        """Store what an attempt came to: the end of its item, or when the next one is."""
        now = self._database.now()
        if isinstance(outcome, NotYet):
            await self._put_off(item, outcome, now)
            return
        if self._observe is not None:
            age_s = (now - item.created_at).total_seconds()
            self._observe(item, outcome, took_s=took_s, age_s=age_s)
        failed = self._attempt(item, outcome, took_s, now)
        if isinstance(outcome, RetryLater):
            end = self._retries.end_of(item, outcome, now)
            if end is None:
                await self._postpone(item, outcome, failed, now)
                return
            outcome = end
        await self.finish(item, outcome, failed)

    async def finish(
        self,
        item: QueueItem,
        outcome: Delivered | Undeliverable,
        failed: Attempt | None = None,
    ) -> None:
        """Store the end of an item with what follows from it, and log it."""
        await self.store_end(item, outcome, failed)
        self.ended(item, outcome)

    async def store_end(
        self,
        item: QueueItem,
        outcome: Delivered | Undeliverable,
        failed: Attempt | None = None,
    ) -> None:
        """Store an end with what follows from it; a bug of ours there costs what follows only."""
        try:
            await persist(
                self._database, partial(self.end, item=item, outcome=outcome, failed=failed)
            )
        except StorageError:
            raise
        except Exception as error:
            log.exception("the effects of a delivery could not be stored", extra=self.fields(item))
            reason = f"unexpected {type(error).__name__} while the outcome was stored"
            bare = partial(self._end_bare, item=item, outcome=outcome, reason=reason)
            await persist(self._database, bare)

    async def end(
        self,
        tx: Transaction,
        item: QueueItem,
        outcome: Delivered | Undeliverable,
        failed: Attempt | None = None,
    ) -> None:
        """End an item in a transaction; `ended` is to be called when it is committed."""
        queue = tx.queue(self._direction)
        if failed is not None:
            await tx.attempts.record(failed)
        if isinstance(outcome, Delivered):
            await queue.finish(item.id, now=tx.now)
        else:
            await queue.bury(item.id, now=tx.now, reason=self._redact(outcome.reason))
        await self._destination.settle(tx, item, outcome)

    def ended(self, item: QueueItem, outcome: Delivered | Undeliverable) -> None:
        """Learn that the end of an item is committed."""
        self._retries.ended(item, outcome)
        name, fields = self._destination.name, self.fields(item)
        if isinstance(outcome, Delivered):
            log.info("delivered to %s", name, extra=fields)
        else:
            log.error("not delivered to %s: %s", name, self._redact(outcome.reason), extra=fields)

    def fields(self, item: QueueItem) -> dict[str, object]:
        """Return what names an item in a log line."""
        return {
            "kind": item.kind,
            "conversation": item.conversation_id,
            "item": name_of(self._direction, item.id),
            "attempt": item.attempts,
        }

    async def _put_off(self, item: QueueItem, outcome: NotYet, now: datetime) -> None:
        """Take back an attempt that was not made, unless its item is given up untried."""
        given_up = self._retries.end_untried(item, now)
        if given_up is not None:
            await self.finish(item, given_up)
            return
        due_at = now + timedelta(seconds=look_after_s(item, outcome.after_s, now=now))

        async def take_back(tx: Transaction) -> None:
            if await tx.queue(self._direction).release(item.id, due_at=due_at):
                await self._destination.settle(tx, item, dropped(item))

        await persist(self._database, take_back)

    async def _postpone(
        self, item: QueueItem, outcome: RetryLater, failed: Attempt | None, now: datetime
    ) -> None:
        """Put an item back for its next attempt."""
        pause_s, reason = self._retries.pause_s(item, outcome, now), self._redact(outcome.reason)
        log.warning(
            "delivery to %s failed, next attempt in %.0f s: %s",
            self._destination.name,
            pause_s,
            reason,
            extra=self.fields(item),
        )

        async def put_back(tx: Transaction) -> None:
            if failed is not None:
                await tx.attempts.record(failed)
            is_dropped = await tx.queue(self._direction).retry_later(
                item.id,
                due_at=now + timedelta(seconds=pause_s),
                reason=reason,
                is_uncertain=outcome.is_uncertain,
                is_unknown=outcome.is_unknown,
            )
            if is_dropped:
                end = dropped(item, is_uncertain=outcome.is_uncertain)
                await self._destination.settle(tx, item, end)

        await persist(self._database, put_back)

    async def _end_bare(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable, reason: str
    ) -> None:
        """End an item and nothing else: what was delivered is done, and not sent again."""
        queue = tx.queue(self._direction)
        if isinstance(outcome, Delivered):
            await queue.finish(item.id, now=tx.now)
        else:
            await queue.bury(item.id, now=tx.now, reason=reason)

    def _attempt(
        self,
        item: QueueItem,
        outcome: Delivered | RetryLater | Undeliverable,
        took_s: float,
        now: datetime,
    ) -> Attempt | None:
        """Return what is kept of an attempt; nothing of one that delivered: its item says it."""
        if isinstance(outcome, Delivered):
            return None
        result: Result = "undeliverable" if isinstance(outcome, Undeliverable) else "retry_later"
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
