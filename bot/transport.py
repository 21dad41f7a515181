"""aiohttp's client under httpx's interface: a quarter of what a request costs httpx's own pool.

What failed is told in httpx's exceptions, before and after the request was sent kept apart: a
caller has to know whether it may have been carried out. What aiohttp answers is read to its end,
so answers have to be small.
"""

import asyncio
from urllib.request import getproxies

import aiohttp
import httpx
from multidict import CIMultiDict
from yarl import URL

from bot.certificates import certificates_for

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


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Carries httpx's requests over aiohttp's connections.

    Args:
        connections: how many at most; further requests wait for their turn.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one request and read its answer.

        Raises:
            httpx.TransportError: there is none.
        """
        session = self._session or self._open(request)
        limits = request.extensions["timeout"]
        try:
            async with session.request(
                request.method,
                URL(str(request.url), encoded=True),
                data=request.content or None,
                headers=CIMultiDict(request.headers.multi_items()),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=limits["pool"],
                    sock_connect=limits["connect"],
                    sock_read=limits["read"],
                ),
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _httpx_error(error, request) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, content=content)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # aiohttp closes its sockets in the next turn of the loop

    def _open(self, request: httpx.Request) -> aiohttp.ClientSession:
        """Open the pool; certificates are read only where they are needed."""
        connector = aiohttp.TCPConnector(
            limit=self._connections, ssl=certificates_for(str(request.url))
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
        return self._session


def transport(connections: int) -> httpx.AsyncBaseTransport | None:
    """Return what is faster than httpx's own; None, which is httpx's own, behind a proxy."""
    return None if getproxies() else AiohttpTransport(connections)


def _httpx_error(error: BaseException, request: httpx.Request) -> httpx.TransportError:
    kind = next(theirs for ours, theirs in SEND_ERRORS if isinstance(error, ours))
    return kind(f"{type(error).__name__} {error}".strip(), request=request)
