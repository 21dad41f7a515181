"""Rate limits of the Chats API and the REST API, and their pauses."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kommo.errors import HeldBackError

AT_A_TIME = 10
"""Kommo publishes no limit of its Chats API: a careful number."""

HISTORIES_AT_A_TIME = 3
"""Histories have slots of their own, so that no message waits for them."""

SLOW_DOWN_S = 1.0
"""How long nothing is asked when Kommo asks to slow down without saying for how long."""

PER_SECOND = 7
"""How many requests the REST API takes. Reference: Kommo, API limitations."""


class ChatsLimits:
    """Ten calls at a time, none while Kommo asks to slow down.

    Args:
        at_a_time: so many.
        behind: other limits; while those hold calls back, so do these, but not the reverse.
    """

    def __init__(self, at_a_time: int = AT_A_TIME, *, behind: "ChatsLimits | None" = None) -> None:
        self._slots = asyncio.Semaphore(at_a_time)
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
        """Wait for a slot, and hold it for the block.

        Raises:
            HeldBackError: Kommo asked to slow down meanwhile.
        """
        async with self._slots:
            if held_s := self.held_s:
                raise HeldBackError("Kommo asked to slow down", retry_after_s=held_s)
            yield


class CrmLimits:
    """Spaces requests so that one address makes no more than Kommo takes."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        self._gap_s = 1 / (per_second - 1)  # the network may bring two closer together
        self._next_at = 0.0
        self._held_until_s = float("-inf")

    def slow_down(self, for_s: float | None) -> None:
        """Let nothing pass for as long as Kommo says; never shorter than it said before."""
        until_s = time.monotonic() + (for_s or 0.0)
        self._held_until_s = max(self._held_until_s, until_s)

    async def turn(self) -> None:
        """Wait for the next request's turn.

        Raises:
            HeldBackError: Kommo asked to slow down.
        """
        held_s = self._held_until_s - time.monotonic()
        if held_s > 0:
            raise HeldBackError("Kommo asked to slow down", retry_after_s=held_s)
        at = asyncio.get_running_loop().time()
        mine = max(at, self._next_at)
        self._next_at = mine + self._gap_s
        await asyncio.sleep(mine - at)
