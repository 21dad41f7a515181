"""The watchdog: systemd is told that the service lives only while it can do its work.

Reference: sd_notify(3), systemd.service(5) on WatchdogSec.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from bot.operate.service.systemd import Notifier

STUCK_S = 60.0
"""How long a worker may stand still before it counts as hung: its loop turns every second."""

LOOKED_S = 1.0
"""How often it is looked whether the status line is still true; that costs nothing."""

USUAL_S = 30.0
"""How often it is looked, when systemd asked for no watchdog."""

log = logging.getLogger(__name__)


class Moving(Protocol):
    """A part whose loop turns."""

    @property
    def name(self) -> str:
        """Name the part."""
        ...

    @property
    def moved_at(self) -> float | None:
        """Return when its loop turned last, by the event loop's clock; None before the first."""
        ...


class Watchdog:
    """Looks at database and workers; says ready once, then alive, as long as all of them move."""

    def __init__(
        self,
        notifier: Notifier,
        *,
        parts: Iterable[Moving],
        is_database_alive: Callable[[], Awaitable[bool]],
        describe: Callable[[], str],
    ) -> None:
        self._notifier = notifier
        self._parts = tuple(parts)
        self._is_database_alive = is_database_alive
        self._describe = describe
        self._is_ready = False
        self._described = ""

    async def run(self) -> None:
        """Look until cancelled. This running at all shows that the event loop does."""
        pause_s = (self._notifier.watchdog_s or USUAL_S) / 3
        while True:
            await self.look()
            await self._pause(pause_s if self._is_ready else min(pause_s, LOOKED_S))

    async def look(self) -> None:
        """Check once; ping the watchdog only if everything moves, else systemd restarts us."""
        self._described = self._describe()
        problem = await self._problem()
        if problem is not None:
            log.error("%s; systemd restarts the service if this persists", problem)
            return
        states = ["WATCHDOG=1", f"STATUS={self._described}"]
        if not self._is_ready:
            self._is_ready = True
            states.insert(0, "READY=1")
            log.info("ready")
        self._notifier.send(*states)

    async def _pause(self, pause_s: float) -> None:
        """Wait until the next look, which comes at once where the status line is another."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + pause_s
        while (  # noqa: ASYNC110 - no one part could set an event
            left_s := ends_at - loop.time()
        ) > 0 and self._describe() == self._described:
            await asyncio.sleep(min(left_s, LOOKED_S))

    async def _problem(self) -> str | None:
        now = asyncio.get_running_loop().time()
        for part in self._parts:
            if part.moved_at is not None and now - part.moved_at > STUCK_S:
                return f"{part.name} has not moved for {now - part.moved_at:.0f} s"
        if not await self._is_database_alive():
            return "the database does not accept writes"
        return None
