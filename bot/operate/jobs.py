"""Periodic work: purge, copy and report. Retries live in the queue."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.health import Health
from bot.operate.backup import daily_backup, note_backup
from bot.settings.tables import StorageSettings
from bot.words import counted
from storage.database import Database
from storage.errors import StorageError
from storage.queue.direction import Direction
from storage.retention import Rule, rules

MANY = 100
"""Of what returns at once while it is under way; else the scheduler would log each time."""

FIRST_BACKUP_S, ALERT_EVERY_S, ENDS_EVERY_S = 60, 60, 4
BUTTON_DAYS = 365
"""So long a button in Telegram can be pressed at least, even where items are kept shorter."""

PRESSES_KEPT = timedelta(days=1)
"""A press is known for a minute; the rest is margin for clocks."""

RENEW_EVERY_MIN = 15
PURGE_EVERY_H, REPORT_EVERY_H, GRACE_S = 1, 6, 600
CHECKPOINT_EVERY_S = 30

STEP_S, SHORTEST_REST_S = 0.005, 0.005
"""A webhook that comes while old rows are removed waits for one step."""

SMALLEST_STEP, FIRST_STEP, LARGEST_STEP = 20, 100, 5_000

log = logging.getLogger(__name__)


Alert = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """Do nothing."""


class Jobs:
    """What is done now and then."""

    def __init__(
        self,
        database: Database,
        settings: StorageSettings,
        *,
        alerts: Sequence[Alert] = (),
        ends: Sequence[Alert] = (),
        renew: Callable[[], Awaitable[None]] = _nothing,
        health: Health | None = None,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._settings = settings
        self.alerts = tuple(alerts)
        self.ends = tuple(ends)
        self.renew = renew
        self._health = health or Health()
        self._now = now

    async def purge(self) -> None:
        """Remove what is older than it is kept, in small steps, and give its space back.

        What is interrupted goes on the next time.
        """
        try:
            removed = {rule.table: await self._remove(rule) for rule in self._rules()}
            async with self._database.transaction() as tx:
                await tx.presses.purge(before=self._now() - PRESSES_KEPT)
                await tx.forgotten.purge(before=self._now())
            if any(removed.values()):
                await self._database.compact()
                log.info("old rows removed", extra={"rows": sum(removed.values())})
        except StorageError as error:
            log.error("old rows could not be removed, retrying later: %s", error)

    def _rules(self) -> list[Rule]:
        now, kept = self._now(), self._settings
        items_before = now - timedelta(days=kept.keep_days)
        messages_days = kept.keep_messages_days
        return rules(
            items_before=items_before,
            messages_before=now - timedelta(days=messages_days) if messages_days else None,
            buttons_before=min(items_before, now - timedelta(days=BUTTON_DAYS)),
        )

    async def _remove(self, rule: Rule) -> int:
        """Remove the rows of one rule; others work between the steps."""
        clock, total, limit = asyncio.get_running_loop().time, 0, FIRST_STEP
        while True:
            began = clock()
            async with self._database.transaction() as tx:
                removed = await tx.retention.remove(rule, limit=limit)
            took_s = clock() - began
            total += removed
            if removed < limit:
                return total
            limit = next_step(limit, took_s)
            await asyncio.sleep(max(took_s, SHORTEST_REST_S))

    async def checkpoint(self) -> None:
        """Bring the write-ahead log into the file, also what commands of other processes wrote."""
        with contextlib.suppress(StorageError):  # whoever writes next says what is wrong
            await self._database.checkpoint()

    async def back_up(self) -> None:
        """Make today's copy if there is none yet; a failure is logged, and tried again."""
        folder = self._settings.backup_dir
        if folder is None:
            return
        try:
            made = await daily_backup(
                self._database, folder, today=self._now().date(), keep=self._settings.backup_keep
            )
        except (StorageError, OSError) as error:
            log.error("the daily backup failed: %s; check storage.backup_dir", error)
            self._health.backup_problem = str(error)
            return
        self._health.backup_problem = None
        if made is not None:
            await note_backup(self._database, now=self._now())
            log.info("backup made", extra={"file": made.name})

    async def report(self) -> None:
        """Say how many items wait for a person."""
        async with self._database.snapshot() as snapshot:
            counts = [await snapshot.queue(direction).counts() for direction in Direction]
        dead = sum(count.get("dead", 0) for count in counts)
        if dead:
            log.warning("%s could not be delivered; see `queue list`", counted(dead, "item"))


def next_step(limit: int, took_s: float) -> int:
    """Return how many rows the next step removes, so that it takes about as long as it should."""
    fitting = int(limit * STEP_S / max(took_s, 1e-6))
    return max(min(fitting, 2 * limit, LARGEST_STEP), SMALLEST_STEP)


@asynccontextmanager
async def scheduled(jobs: Jobs) -> AsyncIterator[None]:
    """Run the jobs on time until the block is left."""
    soon = datetime.now(UTC) + timedelta(seconds=FIRST_BACKUP_S)
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": GRACE_S, "coalesce": True}
    )
    scheduler.add_job(jobs.purge, "interval", hours=PURGE_EVERY_H, jitter=60)
    scheduler.add_job(jobs.back_up, "interval", hours=PURGE_EVERY_H, next_run_time=soon)
    scheduler.add_job(jobs.checkpoint, "interval", seconds=CHECKPOINT_EVERY_S)
    for alert in jobs.alerts:  # each by itself: no addressee waits for another
        scheduler.add_job(alert, "interval", seconds=ALERT_EVERY_S)
    for tell_ends in jobs.ends:
        scheduler.add_job(tell_ends, "interval", seconds=ENDS_EVERY_S, max_instances=MANY)
    scheduler.add_job(
        jobs.renew, "interval", minutes=RENEW_EVERY_MIN, next_run_time=datetime.now(UTC)
    )
    scheduler.add_job(jobs.report, "interval", hours=REPORT_EVERY_H, jitter=60)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
