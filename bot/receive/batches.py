"""Work that costs little more for many than for one: what comes meanwhile is done together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

AT_MOST = 32
"""So many in one turn; the rest waits for the next."""

T = TypeVar("T")

Work = Callable[[Sequence[T]], Awaitable[Sequence[Exception | None]]]
"""Does the work for all, and returns for each whether, and how, it failed."""


class Together(Generic[T]):
    """Does work for many callers in turns: what comes during one turn is the next.

    A caller that is cancelled may have been served all the same.
    """

    def __init__(self, work: Work[T]) -> None:
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._turns: asyncio.Task[None] | None = None

    async def do(self, item: T) -> None:
        """Do the work for one; returns when it is done, or raises what was wrong with it."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._turns is None:
            self._turns = asyncio.create_task(self._take_turns())
        await done

    async def _take_turns(self) -> None:
        try:
            while self._waiting:
                turn, self._waiting = self._waiting[:AT_MOST], self._waiting[AT_MOST:]
                await self._serve(turn)
        finally:
            self._turns = None

    async def _serve(self, turn: Sequence[tuple[T, asyncio.Future[None]]]) -> None:
        failures: Sequence[Exception | None]
        try:
            failures = await self._work([item for item, _done in turn])
        except Exception as error:
            failures = [error] * len(turn)
        except BaseException:
            for _item, done in turn:
                done.cancel()
            raise
        for (_item, done), failure in zip(turn, failures, strict=True):
            if done.cancelled():
                continue
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)
