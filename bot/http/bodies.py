"""The bodies of requests, read within one budget for all of them.

Whoever sends slowly holds memory for nothing: when the budget is used up, the body that has been
on its way longest is given up. Kommo's webhooks come in one piece, and are never that one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.errors import BridgeError
from bot.http.connections import waiting

LIMIT_BYTES = 1 << 20
"""The largest webhook that is read."""

BUDGET_BYTES = 16 << 20
"""So much of bodies is in memory at a time, whoever sends them."""

BODY_S = 10.0
"""How long a body may take: Kommo itself gives up after five seconds."""

TIMED_OUT, TOO_LARGE, UNREADABLE, BUSY = 408, 413, 400, 503


class BodyError(BridgeError):
    """A body that is not read; `status` is what to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Bodies:
    """Reads bodies, so much in memory at a time.

    Args:
        limit_bytes: how large one may be.
        budget_bytes: how large all of them together may be.
    """

    def __init__(
        self, *, limit_bytes: int = LIMIT_BYTES, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self._limit_bytes = limit_bytes
        self._budget_bytes = budget_bytes
        self._held_bytes = 0
        self._arriving: dict[_Arriving, None] = {}

    @property
    def held_bytes(self) -> int:
        """Return how much is in memory now."""
        return self._held_bytes

    def refuse_too_large(self, request: web.BaseRequest) -> None:
        """Refuse a body that says itself that it is too large.

        Raises:
            BodyError: it does.
        """
        if (request.content_length or 0) > self._limit_bytes:
            raise BodyError(TOO_LARGE, "its body is too large")

    @asynccontextmanager
    async def read(self, request: web.BaseRequest) -> AsyncIterator[bytes]:
        """Return the body; it counts as held until the block is left.

        Raises:
            BodyError: it is too large, too slow, broken, or there is no room for it.
        """
        self.refuse_too_large(request)
        body = _Arriving()
        self._arriving[body] = None
        try:
            try:
                with waiting(request):
                    await self._collect(request, body)
            finally:
                self._arriving.pop(body, None)
            yield b"".join(body.chunks)
        finally:
            self._give_back(body)

    async def _collect(self, request: web.BaseRequest, body: "_Arriving") -> None:
        try:
            async with asyncio.timeout(BODY_S) as body.deadline:
                async for chunk in request.content.iter_any():
                    self._hold(body, chunk)
        except TimeoutError:
            raise BodyError(TIMED_OUT, "its body did not come") from None
        except web.RequestPayloadError:
            raise BodyError(UNREADABLE, "its body cannot be decoded") from None

    def _hold(self, body: "_Arriving", chunk: bytes) -> None:
        if body.size + len(chunk) > self._limit_bytes:
            raise BodyError(TOO_LARGE, "its body is too large")
        while self._held_bytes + len(chunk) > self._budget_bytes:
            self._give_up_oldest(body)
        body.chunks.append(chunk)
        body.size += len(chunk)
        self._held_bytes += len(chunk)

    def _give_up_oldest(self, but: "_Arriving") -> None:
        oldest = next((one for one in self._arriving if one is not but), None)
        if oldest is None:
            raise BodyError(BUSY, "too many bodies are being worked on")
        del self._arriving[oldest]
        self._give_back(oldest)
        if oldest.deadline is not None:
            oldest.deadline.reschedule(asyncio.get_running_loop().time())

    def _give_back(self, body: "_Arriving") -> None:
        self._held_bytes -= body.size
        body.size = 0
        body.chunks.clear()


class _Arriving:
    """A body on its way."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        self.deadline: asyncio.Timeout | None = None
