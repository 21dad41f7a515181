"""The one place where clients of HTTP are made: their way out, certificates, limits."""

import httpx

from bot.http.kommo_transport import AiohttpTransport
from bot.http.routes import Routes

CONNECTIONS = 10
"""Enough for a command, which asks one thing after another."""


def local_client(timeout: float) -> httpx.AsyncClient:
    """Return a client for what listens on this machine: no proxy, whatever is set.

    Args:
        timeout: in seconds.
    """
    return httpx.AsyncClient(timeout=timeout, trust_env=False)


def http_client(
    routes: Routes,
    *,
    base_url: str = "",
    timeout: httpx.Timeout | float,
    connections: int = CONNECTIONS,
) -> httpx.AsyncClient:
    """Return a client that goes the way which the settings say for each address.

    Args:
        routes: `settings.routes`.
        base_url: what addresses are relative to.
        timeout: in seconds, or in httpx's parts.
        connections: how many at most; further requests wait for their turn.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=timeout,
        transport=AiohttpTransport(connections, routes=routes),
        trust_env=False,
    )
