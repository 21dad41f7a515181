"""Watch the system clock: when somebody moves it, what waits follows."""

import asyncio
import logging
from datetime import datetime

from storage.database import Database, Transaction
from storage.patience import persist
from storage.queue.direction import Direction

JUMP_S = 60.0
"""When the clock and the time that really passed differ by more, somebody moved the clock."""

log = logging.getLogger(__name__)


class ClockWatch:
    """Lets pauses and lifetimes last as long as they should, in both queues.

    The workers share one, and ask it before they claim anything.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: tuple[datetime, float] | None = None
        self._lock = asyncio.Lock()

    async def look(self) -> None:
        """Compare the clocks; return once what waits has followed a jump."""
        async with self._lock:
            now, passed = self._database.now(), asyncio.get_running_loop().time()
            before, last_passed = self._last or (now, passed)
            self._last = now, passed
            jump_s = (now - before).total_seconds() - (passed - last_passed)
            if abs(jump_s) > JUMP_S:
                log.warning(
                    "the system clock jumped by %.0f s; waiting items were rescheduled", jump_s
                )
                await self._follow(jump_s, before, now)

    async def _follow(self, jump_s: float, before: datetime, now: datetime) -> None:
        async def follow(tx: Transaction) -> None:
            for direction in Direction:
                await tx.queue(direction).follow_clock(by_s=jump_s, now=now, before=before)

        await persist(self._database, follow)
