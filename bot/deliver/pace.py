"""How fast a bot's sends follow one another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

STAGGER_S = 0.25
"""A send waits for the one before it at most this long.

As long as Telegram answers faster, a kill finds one send whose outcome is not stored, not many;
and a send that hangs holds up the next one by no more.
"""


class Pace:
    """Lets one send of a bot begin when the one before is recorded, or has taken too long."""

    def __init__(self, stagger_s: float = STAGGER_S) -> None:
        self._stagger_s = stagger_s
        self._door = asyncio.Lock()
        self._previous = asyncio.Event()
        self._previous.set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn; the turn ends when the block is left."""
        mine = asyncio.Event()
        async with self._door:
            with suppress(TimeoutError):  # the one before is slow: it goes on, and so do we
                async with asyncio.timeout(self._stagger_s):
                    await self._previous.wait()
            self._previous = mine
        try:
            yield
        finally:
            mine.set()
