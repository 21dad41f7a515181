"""Patience with a database that takes nothing for a while: what must be stored is tried again.

A lock held by another process or a full disk passes; a restart would help nothing, and forget
which sends were made. The watchdog tells systemd when it does not pass.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from storage.database import Database, Snapshot, Transaction
from storage.errors import DatabaseStalledError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0

T = TypeVar("T")

log = logging.getLogger(__name__)


async def persist(
    database: Database,
    work: Callable[[Transaction], Awaitable[T]],
    *,
    within_s: float | None = None,
) -> T:
    """Do a unit of work that only uses its transaction, as often as the database needs.

    Args:
        database: where.
        work: what; it may be done again.
        within_s: how long to be patient, where somebody waits for an answer; None: for ever.

    Raises:
        DatabaseStalledError: it has not passed within that time.
        DatabaseUnavailableError: this will not pass by itself.
    """

    async def once() -> T:
        async with database.transaction() as tx:
            return await work(tx)

    return await _patiently(once, "stored", within_s)


async def ask(database: Database, question: Callable[[Snapshot], Awaitable[T]]) -> T:
    """Return the answer to a question without which nothing goes on, as soon as there is one.

    Raises:
        DatabaseUnavailableError: this will not pass by itself.
    """

    async def once() -> T:
        async with database.snapshot() as snapshot:
            return await question(snapshot)

    return await _patiently(once, "read", None)


async def _patiently(once: Callable[[], Awaitable[T]], done: str, within_s: float | None) -> T:
    pause_s, began_at = FIRST_PAUSE_S, time.monotonic()
    while True:
        try:
            return await once()
        except DatabaseStalledError as error:
            if within_s is not None and time.monotonic() - began_at >= within_s:
                raise
            if pause_s == FIRST_PAUSE_S:
                log.error("database unavailable, nothing can be %s; retrying: %s", done, error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
