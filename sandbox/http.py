"""The base of both servers: an address on loopback, faults, going down and coming back.

A server derives from `SandboxServer`, lists its routes and is started like this::

    class KommoServer(SandboxServer):
        @classmethod
        @asynccontextmanager
        async def start(cls, host="127.0.0.1", port=0, **options) -> AsyncIterator["KommoServer"]:
            server = cls(**options)                # calls super().__init__()
            async with server.serving(host, port):
                yield server

        def routes(self) -> list[web.RouteDef]:
            return [web.post("/v2/origin/custom/{scope}", self._receive)]

        async def _receive(self, request: web.Request) -> web.StreamResponse:
            call = Call(request, request.path)
            return await self.guarded(call, lambda: self._carry_out(request))

It has then `url`, `faults`, `fail_with(500, 503)`, `latency_s`, `is_down` (connections are
refused, open ones are reset, the port stays ours), `background(...)` for tasks that end with the
server, and `stopping`, an event that long requests should wait for too. Routes below
``/sandbox/`` are not to be `guarded`: they are how the sandbox itself is driven, by this machine
only (`sandbox/guard.py`). Every server has ``POST /sandbox/faults`` and ``POST /sandbox/down``
already.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiohttp import web

from sandbox.faults import Call, ErrorBody, Fault, Faults, Json, Process, abort, default_body
from sandbox.guard import own_controls_only

SHUTDOWN_S: Final = 0.2
BACKLOG: Final = 512


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


async def control_fields(request: web.Request, text_key: str = "text") -> Json:
    """What a control route was told: a JSON object, or else plain text under one key."""
    raw = (await request.read()).decode(errors="replace")
    with suppress(ValueError):
        fields = json.loads(raw)
        if isinstance(fields, dict):
            return fields
    return {text_key: raw} if raw else {}


class SandboxServer:
    """A real HTTP server on loopback that can be told to fail."""

    def __init__(self, error_body: ErrorBody = default_body) -> None:
        self.faults = Faults(error_body)
        self.latency_s = 0.0
        self.stopping = asyncio.Event()
        self.callers: set[str] = set()
        """The addresses that requests came from."""

        self.on_change: list[Callable[[], None]] = []
        """Called after each request: something may be different now."""

        self.host = ""
        self.port = 0
        self._is_down = False
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._background: set[asyncio.Task[Any]] = set()

    def routes(self) -> list[web.RouteDef]:
        """The server's own routes, to be overridden."""
        return []

    @property
    def url(self) -> str:
        """Where the server is reached, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    @property
    def is_down(self) -> bool:
        """Whether connections are refused; may be set at any time."""
        return self._is_down

    @is_down.setter
    def is_down(self, value: bool) -> None:
        if value == self._is_down:
            return
        self._is_down = value
        if value:
            self._close_listener()
            self._abort_connections()
        else:
            self.background(self._listen(self._listening_socket()))

    def fail_with(self, *statuses: int, what: str = "") -> None:
        """Give the next answers these statuses, one each."""
        self.faults.fail_with(*statuses, what=what)

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside the requests; it is cancelled when the server stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def guarded(self, call: Call, process: Process) -> web.StreamResponse:
        """Carry out a request, with the latency and the faults that were asked for."""
        if self._is_down:
            return abort(call.request)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        try:
            return await self.faults.around(call, process)
        finally:
            for tell in self.on_change:
                tell()

    @asynccontextmanager
    async def serving(
        self, host: str = "127.0.0.1", port: int = 0, *, max_body_bytes: int = 64 * 2**20
    ) -> AsyncIterator[None]:
        """Serve requests for as long as the block runs."""
        app = web.Application(middlewares=[own_controls_only], client_max_size=max_body_bytes)
        app.on_response_prepare.append(self._note_caller)
        app.add_routes([*self.routes(), *self._control_routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        with self._reserved(host, port):
            await self._listen(self._listening_socket())
            try:
                yield
            finally:
                await self._stop()

    async def _note_caller(self, request: web.Request, _answer: web.StreamResponse) -> None:
        self.callers.add(request.remote or "")

    def _reserved(self, host: str, port: int) -> socket.socket:
        """A socket that keeps the port ours while the server is down; nothing listens on it."""
        keeper = bound_socket(host, port)
        self.host, self.port = keeper.getsockname()[:2]
        return keeper

    def _listening_socket(self) -> socket.socket:
        listening = bound_socket(self.host, self.port)
        listening.listen(BACKLOG)
        return listening

    async def _listen(self, listening: socket.socket) -> None:
        if self._is_down or self._runner is None or self._runner.server is None:
            listening.close()
            return
        self._listener = await asyncio.get_running_loop().create_server(
            self._runner.server, sock=listening, backlog=BACKLOG
        )

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _abort_connections(self) -> None:
        server = self._runner.server if self._runner else None
        for connection in server.connections if server else []:
            transport = connection.transport
            if isinstance(transport, asyncio.Transport):
                transport.abort()

    async def _stop(self) -> None:
        self.stopping.set()
        self.faults.stop()
        tasks = list(self._background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._close_listener()
        if self._runner is not None:
            await self._runner.cleanup()

    def _control_routes(self) -> list[web.RouteDef]:
        return [
            web.post("/sandbox/faults", self._control_faults),
            web.delete("/sandbox/faults", self._control_no_faults),
            web.post("/sandbox/down", self._control_down),
        ]

    async def _control_faults(self, request: web.Request) -> web.Response:
        """Add a fault: ``{"kind": "fail|html|hang|reset", "what": "sendMessage", ...}``."""
        options = await control_fields(request, "what")
        kind = options.pop("kind", "fail")
        kinds: dict[str, Callable[..., Fault]] = {
            "fail": self.faults.fail,
            "html": self.faults.html,
            "hang": self.faults.hang,
            "drip": self.faults.drip,
            "reset": self.faults.reset,
        }
        if kind not in kinds:
            return json_response({"error": f"unknown kind of fault: {kind}"}, 400)
        try:
            kinds[kind](options.pop("what", ""), **options)
        except TypeError as error:
            return json_response({"error": str(error)}, 400)
        return json_response({"faults": len(list(self.faults))})

    async def _control_no_faults(self, request: web.Request) -> web.Response:
        """Take all faults away."""
        self.faults.clear()
        return json_response({"faults": 0})

    async def _control_down(self, request: web.Request) -> web.Response:
        """Be down for some seconds, ``{"seconds": 3}``; it comes back by itself."""
        options = await control_fields(request, "seconds")
        try:
            seconds = float(options.get("seconds", 1))
        except (TypeError, ValueError):
            return json_response({"error": "seconds must be a number"}, 400)
        self.background(self._be_down(seconds))
        return json_response({"down_s": seconds})

    async def _be_down(self, seconds: float) -> None:
        await asyncio.sleep(0.05)  # the answer goes out first
        self.is_down = True
        await asyncio.sleep(seconds)
        self.is_down = False


def bound_socket(host: str, port: int) -> socket.socket:
    """A TCP socket that shares its address with others of this process."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.setblocking(False)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
