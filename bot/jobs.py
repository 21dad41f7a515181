"""Periodic work: purge, copy and report. Retries live in the queue."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.operate.backup import daily_backup
from bot.settings_tables import StorageSettings
from storage.database import Database
from storage.errors import StorageError

FIRST_BACKUP_S, ALERT_EVERY_S = 60, 60
BUTTON_DAYS = 365
"""So long a button in Telegram can be pressed at least, even where items are kept shorter."""

PRESSES_KEPT = timedelta(days=1)
"""A press is known for a minute; the rest is margin for clocks."""

RENEW_EVERY_MIN = 15
PURGE_EVERY_H, REPORT_EVERY_H, GRACE_S = 1, 6, 600

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
        alert: Alert = _nothing,
        renew: Callable[[], Awaitable[None]] = _nothing,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._settings = settings
        self.alert = alert
        self.renew = renew
        self._now = now

    async def purge(self) -> None:
        """Remove what ended before the days it is kept, dead items too; give its space back."""
        before = self._now() - timedelta(days=self._settings.keep_days)
        async with self._database.transaction() as tx:
            removed = [
                await queue.purge(before=before, dead_too=True) for queue in (tx.inbox, tx.outbox)
            ]
            await tx.attempts.purge()
            await tx.buttons.purge(before=min(before, self._now() - timedelta(days=BUTTON_DAYS)))
            await tx.presses.purge(before=self._now() - PRESSES_KEPT)
            await tx.invitations.purge(before=before)
            await tx.forgotten.purge(before=self._now())
        if any(removed):
            await self._database.compact()
            log.info("old items removed", extra={"items": sum(removed)})

    async def back_up(self) -> None:
        """Make today's copy if there is none yet; a failure is said, and tried again."""
        folder = self._settings.backup_dir
        if folder is None:
            return
        try:
            made = await daily_backup(
                self._database, folder, today=self._now().date(), keep=self._settings.backup_keep
            )
        except (StorageError, OSError) as error:
            log.error("the daily backup failed: %s; check storage.backup_dir", error)
            return
        if made is not None:
            log.info("backup made", extra={"file": made.name})

    async def report(self) -> None:
        """Say how many items wait for a person."""
        async with self._database.snapshot() as snapshot:
            inbox, outbox = await snapshot.inbox.counts(), await snapshot.outbox.counts()
        dead = inbox.get("dead", 0) + outbox.get("dead", 0)
        if dead:
            log.warning("%d items could not be delivered; see `queue list`", dead)


@asynccontextmanager
async def scheduled(jobs: Jobs) -> AsyncIterator[None]:
    """Run the jobs on time until the block is left."""
    soon = datetime.now(UTC) + timedelta(seconds=FIRST_BACKUP_S)
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": GRACE_S, "coalesce": True}
    )
    scheduler.add_job(jobs.purge, "interval", hours=PURGE_EVERY_H, jitter=60)
    scheduler.add_job(jobs.back_up, "interval", hours=PURGE_EVERY_H, next_run_time=soon)
    scheduler.add_job(jobs.alert, "interval", seconds=ALERT_EVERY_S)
    scheduler.add_job(
        jobs.renew, "interval", minutes=RENEW_EVERY_MIN, next_run_time=datetime.now(UTC)
    )
    scheduler.add_job(jobs.report, "interval", hours=REPORT_EVERY_H, jitter=60)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
