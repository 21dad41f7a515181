"""The connections of a listener: so many at most, and none that takes for ever to ask.

aiohttp limits what a request may hold; this limits who may hold a connection, for how long, and
answers what is no HTTP without a word, neither to the other side nor to the log.
"""

import asyncio
import logging
import socket
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

MOST = 500
"""A proxy in front needs fewer; a flood may hold no more, so that files can still be opened."""

FIRST_REQUEST_S = 10.0
"""How long the head of a first request may take."""

KEEPALIVE_S = 75.0
"""How long a connection may rest between requests; the usual proxies give theirs up earlier."""

log = logging.getLogger(__name__)


@dataclass
class Door:
    """Counts the open connections of one listener."""

    most: int = MOST
    first_request_s: float = FIRST_REQUEST_S
    inside: set["Connection"] = field(default_factory=set)
    refused: int = 0


class Connection(web.RequestHandler):
    """aiohttp's connection, with a limit to how many there are and how long they may be silent."""

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop, door: Door) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # as aiohttp's own runner does
            keepalive_timeout=KEEPALIVE_S,
        )
        self._event_loop = loop
        self._door = door
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take part, or leave at once where there are too many."""
        super().connection_made(transport)
        if len(self._door.inside) >= self._door.most:
            if not self._door.refused:
                log.warning("too many connections, new ones are refused")
            self._door.refused += 1
            self.force_close()
            return
        self._door.refused = 0
        self._door.inside.add(self)
        self._patience = self._event_loop.call_later(self._door.first_request_s, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Make room."""
        self.asked()
        self._door.inside.discard(self)
        super().connection_lost(exc)

    def asked(self) -> None:
        """Take note that the head of a request is complete."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request with its status and nothing more; our own bugs are logged."""
        if isinstance(exc, HttpProcessingError | ConnectionError):
            log.debug("a request broke off or is not HTTP", extra={"status": status})
        else:
            self.log_exception("a request failed unexpectedly", exc_info=exc)
        response = web.Response(status=status)
        response.force_close()
        return response


@web.middleware
async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the connection know that it asked for something."""
    if isinstance(request.protocol, Connection):
        request.protocol.asked()
    return await handler(request)


async def serve(server: web.Server, host: str, port: int, door: Door) -> asyncio.Server:
    """Listen on an address; the caller closes what is returned."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Connection(server, loop=loop, door=door),
        host,
        port,
        reuse_address=True,
        backlog=socket.SOMAXCONN,
    )
