"""Limit the number of connections, and how long an idle one may keep others out.

aiohttp limits what a request may hold; this limits who may hold a connection, and for how long.
When all are taken, the one that has waited longest for its other side makes room for the new one:
an idle one, or one whose request does not come. What is no HTTP is answered without a word,
neither to the other side nor to the log; whatever is refused ends its connection.
"""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from bot.http.memory import give_back
from bot.http.refusals import Refusals

MOST = 500
"""A proxy in front needs fewer; a flood may hold no more, so that files can still be opened."""

FIRST_REQUEST_S = 10.0
"""How long the head of a first request may take."""

KEEPALIVE_S = 75.0
"""How long a connection may rest between requests; the usual proxies give theirs up earlier."""

LINGER_S = 2.0
"""How long what follows a refused head is read, and thrown away, so that the answer arrives."""

MANY, FEW, SETTLED_S = 100, 10, 3.0
"""Memory is given back when there have been that many connections, and there are this few."""

RECEIVE_BYTES = 16 * 1024
"""What the system keeps of a request that nobody has read yet; hundreds of them come at once."""

FIRST_REFUSAL, FIRST_FAILURE = 400, 500

log = logging.getLogger(__name__)


@dataclass
class Door:
    """Knows the open connections of one listener.

    Args:
        most: so many at a time.
        first_request_s: how long the head of a first request may take.
        inside: all of them.
        waiting: those that wait for their other side, the longest waiting first.
        was_crowded: whether there were so many that memory is to be given back.
    """

    most: int = MOST
    first_request_s: float = FIRST_REQUEST_S
    inside: set["LimitedConnection"] = field(default_factory=set)
    waiting: dict["LimitedConnection", None] = field(default_factory=dict)
    was_crowded: bool = False
    refusals: Refusals = field(default_factory=lambda: Refusals(log))

    def enter(self, connection: "LimitedConnection") -> bool:
        """Let a connection in, instead of one that only waits if need be."""
        if len(self.inside) >= self.most:
            longest = next(iter(self.waiting), None)
            if longest is None:
                self.refusals.warn("too many connections, new ones are refused")
                return False
            self.refusals.warn("too many connections, those that wait longest are closed")
            self.leave(longest)
            longest.force_close()
        self.inside.add(connection)
        self.was_crowded = self.was_crowded or len(self.inside) > MANY
        self.waits(connection)
        return True

    def leave(self, connection: "LimitedConnection") -> None:
        """Forget a connection that ended."""
        self.inside.discard(connection)
        self.waiting.pop(connection, None)
        if self.was_crowded and len(self.inside) <= FEW:
            self.was_crowded = False
            asyncio.get_running_loop().call_later(SETTLED_S, give_back)

    def waits(self, connection: "LimitedConnection") -> None:
        """Note that a connection waits for its other side from now on."""
        if connection in self.inside:
            self.waiting[connection] = None

    def works(self, connection: "LimitedConnection") -> None:
        """Note that it is our turn."""
        self.waiting.pop(connection, None)


class LimitedConnection(web.RequestHandler):
    """aiohttp's connection, with a limit to how many there are and how long they may be silent."""

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop, door: Door) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # as aiohttp's own runner does
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=LINGER_S,
            read_bufsize=RECEIVE_BYTES,
        )
        self._event_loop = loop
        self._door = door
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take part, or leave at once where there is no room."""
        super().connection_made(transport)
        if not self._door.enter(self):
            self.force_close()
            return
        self._patience = self._event_loop.call_later(self._door.first_request_s, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Make room."""
        self.asked()
        self._door.leave(self)
        super().connection_lost(exc)

    def asked(self) -> None:
        """Take note that the head of a request is complete."""
        self._door.works(self)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def waits(self) -> None:
        """Take note that it is the other side's turn."""
        self._door.waits(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer an invalid request with its status only; our own bugs are logged."""
        if isinstance(exc, HttpProcessingError | ConnectionError):
            log.debug("a request broke off or is not HTTP", extra={"status": status})
        else:
            self.log_exception("a request failed unexpectedly", exc_info=exc)
        response = Nameless(status=status)
        response.force_close()
        return response


class Nameless(web.Response):
    """An answer that does not tell which program gives it, where no application prepares it."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall(hdrs.SERVER, None)


async def without_program(_request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Take the names and versions of programs out of an application's answers."""
    response.headers.popall(hdrs.SERVER, None)


@contextmanager
def waiting(request: web.BaseRequest) -> Iterator[None]:
    """Count a connection as waiting for its other side while the block lasts."""
    connection = request.protocol
    if not isinstance(connection, LimitedConnection):
        yield
        return
    connection.waits()
    try:
        yield
    finally:
        connection.asked()


@web.middleware
async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the connection know that it asked for something, and end it after a refusal."""
    connection = request.protocol
    if isinstance(connection, LimitedConnection):
        connection.asked()
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        _end_if_refused(refusal)
        raise
    finally:
        if isinstance(connection, LimitedConnection):
            connection.waits()
    _end_if_refused(response)
    return response


def _end_if_refused(response: web.StreamResponse) -> None:
    if FIRST_REFUSAL <= response.status < FIRST_FAILURE and not response.prepared:
        response.force_close()


async def serve(server: web.Server, host: str, port: int, door: Door) -> asyncio.Server:
    """Listen on an address; the caller closes what is returned."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: LimitedConnection(server, loop=loop, door=door),
        host,
        port,
        reuse_address=True,
        backlog=socket.SOMAXCONN,
    )
    for each in listening.sockets:  # what is accepted takes this over
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    return listening
