"""Operators' commands under way: one after the other in each chat, beside the polling.

What waits here is not on disk: a command is carried out when it is answered, and one that a stop
has cut off is sent again by whoever misses the answer.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from bot.background import end

AT_MOST = 50
"""So many commands of one chat wait; what comes beyond is left out."""

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[object]]


class Orders:
    """Lines of work, one for each chat; there are as many as there are operators' chats."""

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._lines: dict[int, deque[Work]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await end(self._tasks.values())

    def add(self, chat_id: int, work: Work) -> bool:
        """Do a piece of work after what its chat asked before; False when too much waits."""
        line = self._lines.setdefault(chat_id, deque())
        if len(line) >= self._at_most:
            return False
        line.append(work)
        if chat_id not in self._tasks:
            self._tasks[chat_id] = asyncio.create_task(self._run(chat_id))
        return True

    async def _run(self, chat_id: int) -> None:
        """Do what waits, until nothing does."""
        line = self._lines[chat_id]
        try:
            while line:
                try:
                    await line[0]()
                except Exception:
                    log.exception("an operator's command failed unexpectedly")
                line.popleft()
        finally:
            del self._tasks[chat_id]
