"""Work beside the deliveries: some at a time, each once, and nobody waits for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[object]]


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks, and return when they have ended, however that was."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


class Background:
    """Runs work in tasks of its own.

    Args:
        at_a_time: so much is in flight at most.
        most: so much is in flight or waits; what comes beyond is left out.
    """

    def __init__(self, at_a_time: int, most: int = 1000) -> None:
        self._places = asyncio.Semaphore(at_a_time)
        self._most = most
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await end(self._tasks.values())

    def start(self, key: str, work: Work) -> bool:
        """Begin a piece of work soon, unless it is running; tell whether it will be done."""
        if key in self._tasks:
            return True
        if len(self._tasks) >= self._most:
            return False
        task = asyncio.get_running_loop().create_task(self._run(work))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))
        return True

    async def _run(self, work: Work) -> None:
        async with self._places:
            try:
                await work()
            except Exception:
                log.exception("work in the background failed unexpectedly")
