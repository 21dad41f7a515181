"""The connections of all clients: direct or through a proxy, decided for each address."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.tracing import Trace

from bot.http.routes import Proxy, Routes
from bot.http.tls import certificates
from bot.http.tunnels import ProxyError, SocketFactory, open_tunnel, plain_socket

TUNNEL_S = 10.0
"""So long a proxy may take to connect."""

HandedOver = Callable[[str, int], Awaitable[Sequence[str]]]


async def name_itself(host: str, _port: int) -> Sequence[str]:
    """Leave a name to the proxy."""
    return [host]


class Connector(aiohttp.TCPConnector):
    """aiohttp's connector, with tunnels through proxies.

    aiohttp's own way through a proxy hands over names only and is chosen for a whole session. Here
    what is handed over may be an address that was checked, while TLS still expects the name.

    Args:
        routes: which way each address is reached.
        handed_over: what a proxy is told instead of a name: it, or its checked addresses.
        tunnel_s: how long a proxy may take.
        options: of aiohttp's connector.
    """

    def __init__(
        self,
        routes: Routes,
        *,
        handed_over: HandedOver = name_itself,
        tunnel_s: float = TUNNEL_S,
        socket_factory: SocketFactory | None = None,
        **options: Any,
    ) -> None:
        super().__init__(socket_factory=socket_factory, **options)
        self._routes = routes
        self._handed_over = handed_over
        self._tunnel_s = tunnel_s
        self._new_socket = socket_factory or plain_socket
        self.certificate: dict[str, Any] | None = None
        """What the server of the latest connection showed."""

    def _get_ssl_context(self, req: ClientRequest) -> ssl.SSLContext | None:
        """Return whom to trust: the same for every server, read when the first one has TLS."""
        return certificates() if req.is_ssl() else None

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own name
    ) -> ResponseHandler:
        protocol = await super()._create_connection(req, traces, timeout)
        if protocol.transport is not None:
            self.certificate = protocol.transport.get_extra_info("peercert")
        return protocol

    async def _create_direct_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as above
        *,
        client_error: type[Exception] = aiohttp.ClientConnectorError,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        proxy = self._routes.proxy_for(str(req.url))
        if proxy is None:
            return await super()._create_direct_connection(
                req, traces, timeout, client_error=client_error
            )
        host, port, tls = req.url.raw_host or "", req.port or 0, self._get_ssl_context(req)
        try:
            tunnel = await self._tunnel(proxy, host, port, timeout.sock_connect)
        except OSError as error:
            raise aiohttp.ClientConnectorError(req.connection_key, error) from error
        return await self._wrap_existing_connection(
            self._factory,
            sock=tunnel,
            ssl=tls,
            server_hostname=host.rstrip(".") if tls else None,
            req=req,
            timeout=timeout,
            client_error=client_error,
        )

    async def _tunnel(self, proxy: Proxy, host: str, port: int, within_s: float | None) -> Any:
        """Return a socket to the first of the addresses that the proxy reaches."""
        failure: OSError | None = None
        patience = min(within_s or self._tunnel_s, self._tunnel_s)
        for address in await self._handed_over(host, port):
            try:
                return await open_tunnel(
                    proxy, address, port, within_s=patience, new_socket=self._new_socket
                )
            except ProxyError as error:
                failure = error
        raise failure or OSError("the name means no address")
