"""Read the histories of Kommo's chats page by page, at a bounded pace.

Reference: Kommo, Chat history.
"""

import asyncio
from datetime import datetime
from typing import Protocol

from bot.receive.catch_up.rounds import Throttle
from kommo.answers import HistoryMessage, HistoryPage
from kommo.ids import KommoChatId

PAGE, PAGES = 50, 40
"""The newest 2,000 rows of a conversation are looked at."""


class ReadPage(Protocol):
    """Returns a page of a chat's history, newest first."""

    async def __call__(
        self, kommo_chat_id: KommoChatId, *, offset: int, limit: int
    ) -> HistoryPage:
        """Read it."""
        ...


class Pages:
    """Reads histories.

    Args:
        read: reads a page of a history.
        calls_per_s: how many pages are read in a second at most.
    """

    def __init__(self, read: ReadPage, *, calls_per_s: float) -> None:
        self._read = read
        self._throttle = Throttle(calls_per_s)

    async def newest(self, chat_id: KommoChatId, since: datetime) -> list[HistoryMessage]:
        """Return a chat's newest messages, at least those since a moment."""
        found: dict[str, HistoryMessage] = {}
        for page in range(PAGES):
            await asyncio.sleep(self._throttle.wait_s(asyncio.get_running_loop().time()))
            rows = await self._read(chat_id, offset=page * PAGE, limit=PAGE)
            found |= {row.kommo_message_id: row for row in rows}
            if rows.told < PAGE or (rows and rows[-1].at < since):
                break
        return list(found.values())
