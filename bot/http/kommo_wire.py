"""aiohttp's client as the wire of the Chats API: a third of what a call costs over httpx.

What failed is told with whether the call may have been carried out; an answer is read to its end,
and given up where that is too far away.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from yarl import URL

from bot.http.connector import Connector
from bot.http.routes import DIRECT, Routes
from kommo.errors import NoAnswerError
from kommo.exchange import Limits, Reply, unpacked

CONNECT_S, READ_S = 5.0, 20.0

NEVER_SENT = (
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientConnectorError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)

OnReply = Callable[[Mapping[str, str], datetime], None]
"""Learns the headers of an answer, and when it was asked for."""


class KommoWire:
    """Carries calls over aiohttp's connections.

    Args:
        base_url: Kommo's address.
        connections: how many at most; further calls wait for their turn.
        routes: which way the address is reached.
        now: the clock, for who wants to know when an answer was asked for.
        on_reply: learns of each answer.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connections: int,
        routes: Routes = DIRECT,
        now: Callable[[], datetime] | None = None,
        on_reply: OnReply | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._connections = connections
        self._routes = routes
        self._now = now
        self._on_reply = on_reply
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # aiohttp closes its sockets in the next turn of the loop

    async def send(
        self, method: str, target: str, *, body: bytes, headers: Mapping[str, str], limits: Limits
    ) -> Reply:
        """Make a call and return its answer.

        Raises:
            NoAnswerError: there is none, or none within the limits.
        """
        asked_at = self._now() if self._now else None
        session = self._session or self._open()
        try:
            async with session.request(
                method,
                URL(self._base_url + target, encoded=True),
                data=body or None,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=limits.total_s, sock_connect=CONNECT_S, sock_read=READ_S
                ),
            ) as answer:
                content = await _read(answer, limits.most_bytes)
                coding = answer.headers.get("Content-Encoding", "")
                content = unpacked(coding, content, limits.most_bytes)
        except (aiohttp.ClientError, TimeoutError, OSError, httpx.HTTPError, ValueError) as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise NoAnswerError(reason, was_sent=not isinstance(error, NEVER_SENT)) from error
        if self._on_reply is not None and asked_at is not None:
            self._on_reply(answer.headers, asked_at)
        return Reply(answer.status, answer.headers, content)

    def _open(self) -> aiohttp.ClientSession:
        """Open the pool."""
        self._session = aiohttp.ClientSession(
            connector=Connector(self._routes, limit=self._connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self._session


async def _read(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > most_bytes:
            raise aiohttp.ClientPayloadError(f"the answer is bigger than {most_bytes} bytes")
    return bytes(content)
