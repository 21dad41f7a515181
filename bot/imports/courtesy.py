"""Live messages go first: an import steps aside for what the service has to do."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from bot.imports.pace import ImportPace
from storage.database import Database, Snapshot
from storage.patience import ask

STEP_S = 0.005
LIVE_S = 3.0
"""So long after something live was stored more of it is expected."""


class Courtesy:
    """Lets an old message wait while live ones wait, and leaves pauses while any are about."""

    def __init__(
        self, database: Database, pace: ImportPace, *, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._pace = pace
        self._now = now
        self._looks_at = float("-inf")
        self._newest: tuple[int, int] | None = None
        self._live_until_s = float("-inf")

    async def wait(self) -> None:
        """Wait while a live message waits for the service to begin with it; never for long.

        Without a service, or while Kommo is down, nothing begins: then nobody looks for a while.
        """
        began_s = time.monotonic()
        while self._looks_at <= began_s and await ask(self._database, self._is_live_due):
            if time.monotonic() - began_s >= self._pace.behind_s:
                self._looks_at = time.monotonic() + self._pace.look_again_s
                break
            await asyncio.sleep(STEP_S)
        if time.monotonic() < self._live_until_s:
            await asyncio.sleep(self._pace.beside_live_s)

    async def _is_live_due(self, snapshot: Snapshot) -> bool:
        newest = await snapshot.to_kommo.newest_id(), await snapshot.to_telegram.newest_id()
        if self._newest not in {None, newest}:
            self._live_until_s = time.monotonic() + LIVE_S
        self._newest = newest
        return bool(await snapshot.to_kommo.due_lanes(now=self._now()))
