"""Telling one addressee what is news: each has a book of its own, and none waits for another."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.operate.operators.alerts import Alert, AlertBook, News

Look = Callable[[], Awaitable[list[Alert] | None]]
Send = Callable[[News], Awaitable[bool]]


class Teller:
    """Looks at everything, and sends what its addressee does not know yet.

    Args:
        look: returns everything that is wrong; None when that cannot be told now.
        now: the time.
    """

    def __init__(self, look: Look, now: Callable[[], datetime]) -> None:
        self._look = look
        self._now = now
        self._book = AlertBook()
        self._telling = asyncio.Lock()

    async def alert(self, send: Send) -> None:
        """Look once; send what is news. What did not arrive is news again at the next look."""
        async with self._telling:
            found = await self._look()
            if found is not None:
                await self._report(send, self._book.news(found, now=self._now()))

    async def tell_ends(self, send: Send) -> None:
        """Send what was told and is over, unless something is told just now."""
        if self._telling.locked() or not self._book.has_told:
            return
        async with self._telling:
            found = await self._look()
            if found is not None:
                await self._report(send, self._book.ends(found))

    async def _report(self, send: Send, news: News | None) -> None:
        if news is not None and await send(news):
            self._book.tell(news, now=self._now())
