"""Batch concurrent calls: whatever arrives during one batch forms the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

LARGEST_BATCH = 32

T = TypeVar("T")

Work = Callable[[Sequence[T]], Awaitable[Sequence[Exception | None]]]
"""Does the work for a batch; returns for each item None, or how it failed."""


class Batcher(Generic[T]):
    """Batches the work of concurrent callers.

    A caller that is cancelled may have been served all the same.
    """

    def __init__(self, work: Work[T]) -> None:
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def do(self, item: T) -> None:
        """Have an item in the next batch; return when it is done, or raise how it failed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:LARGEST_BATCH]
                self._waiting = self._waiting[LARGEST_BATCH:]
                await self._do(batch)
        finally:
            self._running = None

    async def _do(self, batch: Sequence[tuple[T, asyncio.Future[None]]]) -> None:
        failures: Sequence[Exception | None]
        try:
            failures = await self._work([item for item, _done in batch])
        except Exception as error:
            failures = [error] * len(batch)
        except BaseException:
            for _item, done in batch:
                done.cancel()
            raise
        for (_item, done), failure in zip(batch, failures, strict=True):
            if done.cancelled():
                continue
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)
