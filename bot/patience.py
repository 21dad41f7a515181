"""Patience with a database that takes nothing for a while: what must be stored is tried again.

A lock held by another process or a full disk passes; a restart would help nothing, and forget
which sends were made. The watchdog tells systemd when it does not pass.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from storage.database import Database, Transaction
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
    pause_s, began_at = FIRST_PAUSE_S, time.monotonic()
    while True:
        try:
            async with database.transaction() as tx:
                result = await work(tx)
        except DatabaseStalledError as error:
            if within_s is not None and time.monotonic() - began_at >= within_s:
                raise
            if pause_s == FIRST_PAUSE_S:
                log.error("nothing can be stored, trying until it can: %s", error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        else:
            return result
