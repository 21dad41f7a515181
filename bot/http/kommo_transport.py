"""aiohttp's client under httpx's interface: a quarter of what a request costs httpx's own pool.

What failed is told in httpx's exceptions, before and after the request was sent kept apart: a
caller has to know whether it may have been carried out. An answer is read to its end, and given
up where that is too far away.
"""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import httpx
from multidict import CIMultiDict
from yarl import URL

from bot.http.connector import Connector
from bot.http.routes import DIRECT, Routes
from kommo.exchange import LIMITS, Limits

SEND_ERRORS: tuple[tuple[type[BaseException], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
)
"""aiohttp's errors and httpx's; the first that fits."""

CERTIFICATE = "peer_certificate"
"""The extension of an answer that holds the certificate of the server last connected to."""


class _Packed(httpx.AsyncByteStream):
    """An answer's body as it came: whoever reads it unpacks it, and sees how much it becomes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give it in one piece."""
        yield self._content


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Carries httpx's requests over aiohttp's connections.

    Args:
        connections: how many at most; further requests wait for their turn.
        limits: what an answer may cost.
        routes: which way each address is reached.
    """

    def __init__(
        self, connections: int, limits: Limits = LIMITS, *, routes: Routes = DIRECT
    ) -> None:
        self._connections = connections
        self._routes = routes
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one request and read its answer.

        Raises:
            httpx.TransportError: there is none.
        """
        session = self._session or self._open()
        patience = request.extensions["timeout"]
        try:
            async with session.request(
                request.method,
                URL(str(request.url), encoded=True),
                data=request.content or None,
                headers=CIMultiDict(request.headers.multi_items()),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=self._limits.total_s,
                    connect=patience["pool"],
                    sock_connect=patience["connect"],
                    sock_read=patience["read"],
                ),
            ) as answer:
                content = await self._read(answer, request)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _httpx_error(error, request) from error
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Packed(content),
            extensions={CERTIFICATE: getattr(session.connector, "certificate", None)},
        )

    async def _read(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> bytes:
        content = bytearray()
        async for chunk in answer.content.iter_any():
            content += chunk
            if len(content) > self._limits.most_bytes:
                reason = f"the answer is bigger than {self._limits.most_bytes} bytes"
                raise httpx.ReadError(reason, request=request)
        return bytes(content)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # aiohttp closes its sockets in the next turn of the loop

    def _open(self) -> aiohttp.ClientSession:
        """Open the pool."""
        self._session = aiohttp.ClientSession(
            connector=Connector(self._routes, limit=self._connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self._session


def _httpx_error(error: BaseException, request: httpx.Request) -> httpx.TransportError:
    kind = next(theirs for ours, theirs in SEND_ERRORS if isinstance(error, ours))
    return kind(f"{type(error).__name__} {error}".strip(), request=request)
