"""Whose turn it is: one call of a bot is in flight at a time, if it is answered in time."""

import asyncio
from collections import deque

HOLD_S = 10.0
"""A call that is not answered holds up the bot's other calls no longer than so."""

BRIEF_S = 0.25
"""... and no longer than so where the last call to the same chat was never answered."""


class NotBegunError(Exception):
    """A call was not made, and that says nothing about it."""

    after_s = 0.0
    """When it may be made."""


class StoppedError(NotBegunError):
    """The bridge is stopping: nothing begins."""


class Turn:
    """The right to be the one call of a bot that is in flight."""

    def __init__(self, turns: "Turns") -> None:
        self._turns = turns
        self._granted = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None
        self.was_too_long = False
        """Whether it was passed on before its end."""

    async def granted(self) -> None:
        """Wait until it is given."""
        await self._granted

    def give(self) -> bool:
        """Give it; False when nobody is waiting for it now."""
        if self._granted.done():
            return False
        self._granted.set_result(None)
        return True

    def begin(self, hold_s: float) -> None:
        """Keep it until `end`, but not for ever."""
        self._timer = asyncio.get_running_loop().call_later(hold_s, self._expire)

    def _expire(self) -> None:
        self.was_too_long = True
        self.end()

    def end(self) -> None:
        """Pass it on."""
        if self._timer is not None:
            self._timer.cancel()
        self._turns.ended(self)


class Turns:
    """Gives the turns of a bot; its lanes have one each in turn."""

    def __init__(self) -> None:
        self._holder: Turn | None = None
        self._waiting: dict[str, deque[Turn]] = {}
        self.is_stopped = False

    async def turn(self, lane: str) -> Turn:
        """Wait for a turn; it is held until its `end`.

        Raises:
            StoppedError: there are no more.
        """
        turn = Turn(self)
        self._waiting.setdefault(lane, deque()).append(turn)
        self._next()
        try:
            await turn.granted()
        except asyncio.CancelledError:
            self.ended(turn)
            raise
        if self.is_stopped:
            raise StoppedError
        return turn

    def stop(self) -> None:
        """Give no more turns; who waits for one learns it at once."""
        self.is_stopped = True
        self._next()

    def ended(self, turn: Turn) -> None:
        """Learn that a turn is over, or no longer wanted."""
        if self._holder is turn:
            self._holder = None
            self._next()

    def _next(self) -> None:
        """Give the turn to who waits, the lanes one each in turn; after the stop to all."""
        while self._waiting and (self._holder is None or self.is_stopped):
            lane = next(iter(self._waiting))
            waiting = self._waiting.pop(lane)
            turn = waiting.popleft()
            if waiting:
                self._waiting[lane] = waiting
            if turn.give() and not self.is_stopped:
                self._holder = turn
