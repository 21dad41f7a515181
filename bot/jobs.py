"""Periodic work: purge and report. Retries live in the queue."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from storage.database import Database

KEEP = timedelta(days=30)
"""How long finished items are kept: repetitions are known for as long."""

PURGE_EVERY_H, REPORT_EVERY_H, GRACE_S = 1, 6, 600

log = logging.getLogger(__name__)


class Jobs:
    """What is done now and then."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def purge(self) -> None:
        """Remove finished items that are older than they are kept."""
        before = self._now() - KEEP
        async with self._database.transaction() as tx:
            removed = await tx.inbox.purge(before=before) + await tx.outbox.purge(before=before)
        if removed:
            log.info("finished items removed", extra={"items": removed})

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
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": GRACE_S, "coalesce": True}
    )
    scheduler.add_job(jobs.purge, "interval", hours=PURGE_EVERY_H, jitter=60)
    scheduler.add_job(jobs.report, "interval", hours=REPORT_EVERY_H, jitter=60)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
