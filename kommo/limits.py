"""How much the Chats API is asked at a time, and when it is asked nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kommo.errors import HeldBackError

AT_A_TIME = 10
"""Kommo publishes no limit of its Chats API: a careful number."""

HISTORIES_AT_A_TIME = 3
"""Histories have places of their own, so that no message waits for them."""

SLOW_DOWN_S = 1.0
"""How long nothing is asked when Kommo asks to slow down without saying for how long."""


class ChatsPace:
    """Ten calls at a time, none while Kommo asks to slow down.

    Args:
        at_a_time: so many.
        behind: another pace; while that one is held, so is this, but not the other way round.
    """

    def __init__(self, at_a_time: int = AT_A_TIME, *, behind: "ChatsPace | None" = None) -> None:
        self._places = asyncio.Semaphore(at_a_time)
        self._behind = behind
        self._held_until_s = float("-inf")

    @property
    def held_s(self) -> float:
        """Return how long Kommo wants to be asked nothing; 0 for not at all."""
        others_s = self._behind.held_s if self._behind else 0.0
        return max(self._held_until_s - time.monotonic(), others_s, 0.0)

    def slow_down(self, for_s: float | None) -> None:
        """Let nothing pass for as long as Kommo says; never shorter than it said before."""
        until_s = time.monotonic() + (for_s or SLOW_DOWN_S)
        self._held_until_s = max(self._held_until_s, until_s)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it for the block.

        Raises:
            HeldBackError: Kommo asked to slow down meanwhile.
        """
        async with self._places:
            if held_s := self.held_s:
                raise HeldBackError("Kommo asked to slow down", retry_after_s=held_s)
            yield
