"""The route to each server, for `check` and for the log of a start."""

import logging
from collections.abc import Iterator

from bot.http.routes import Proxy
from bot.operate.check.findings import Finding, well
from bot.settings import Settings

log = logging.getLogger(__name__)


def of_network(settings: Settings) -> Finding:
    """Tell which servers are reached through a proxy."""
    ways = [
        f"{name} ({url}) {f'through the proxy {proxy}' if proxy else 'directly'}"
        for name, url, proxy in _ways(settings)
    ]
    return well("network", "; ".join(ways))


def log_ways(settings: Settings) -> None:
    """Log the proxies that are in use, without their passwords; to go directly is no news."""
    for name, url, proxy in _ways(settings):
        if proxy:
            log.info("%s is reached through the proxy %s", name, proxy, extra={"server": url})
        else:
            log.debug("%s is reached directly", name, extra={"server": url})


def _ways(settings: Settings) -> Iterator[tuple[str, str, Proxy | None]]:
    servers = {
        "Telegram": settings.telegram.api_url,
        "Kommo's Chats API": settings.kommo.chats_url,
        "Kommo's REST API": settings.kommo.rest_url,
    }
    for name, url in servers.items():
        if url:
            yield name, url, settings.routes.proxy_for(url)
