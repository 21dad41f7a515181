"""Serves the page: its files, a stream of what changes, and what its buttons do.

The two servers' own ``/sandbox/`` routes are here too, below ``/telegram`` and ``/kommo``: people
go on writing while a server is down for the bridge.
"""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any, Final, TypeAlias

import aiohttp
from aiohttp import web

from sandbox import story
from sandbox.guard import Handler, own_page_only
from sandbox.http import control_fields, json_response
from sandbox.kommo import control as kommo_control
from sandbox.kommo.server import KommoServer
from sandbox.page.bridge import Bridge, Health
from sandbox.page.feed import Feed
from sandbox.page.files import media_routes, static_routes
from sandbox.page.headers import add_headers
from sandbox.page.kommo_records import kommo_records
from sandbox.page.ledger import Ledger, ledger_of
from sandbox.page.media import Copies
from sandbox.page.switches import Switches
from sandbox.page.telegram_records import telegram_records
from sandbox.page.told import Told
from sandbox.page.ways import Ways
from sandbox.telegram.control import control_routes
from sandbox.telegram.server import TelegramServer

Json: TypeAlias = dict[str, Any]

SHUTDOWN_S: Final = 0.2
HEARTBEAT_S: Final = 15.0
LOOK_S: Final = 0.5
UPLOAD_LIMIT_BYTES: Final = 64 * 2**20
STORY_PAUSE_S: Final = 0.9

log = logging.getLogger(__name__)


class Page:
    """What the page shows and does.

    Args:
        telegram: the server that clients use.
        kommo: the server that managers use.
        bridge: the process between them.
        session: asks the bridge, and fetches files.
    """

    def __init__(
        self,
        telegram: TelegramServer,
        kommo: KommoServer,
        bridge: Bridge,
        session: aiohttp.ClientSession,
    ) -> None:
        self._telegram = telegram
        self._kommo = kommo
        self._bridge = bridge
        self._switches = Switches(telegram, kommo)
        self._health = Health(session)
        self._ways = Ways()
        self._ledger = Ledger([], 0, 0)
        self._told = Told(kommo.hooks)
        self._hindered_at = time.time()
        self._story: Json = {"is_running": False, "line": ""}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.feed = Feed(self._records)
        self.copies = Copies(session, self.feed.poke)
        self.stopping = asyncio.Event()

    def application(self) -> web.Application:
        """Return the page's routes, for this machine's browsers only."""
        app = web.Application(
            middlewares=[own_page_only, self._poking], client_max_size=UPLOAD_LIMIT_BYTES
        )
        app.on_response_prepare.append(add_headers)
        app.add_routes(
            [
                *static_routes(),
                *media_routes(self._telegram, self._kommo, self.copies),
                web.get("/events", self._events),
                web.post("/bridge/kill", self._kill),
                web.post("/bridge/start", self._start),
                web.post("/bridge/story", self._play),
                web.post("/switches", self._switch),
                web.post("/contacts/{id}/invitation", self._invite),
            ]
        )
        for prefix, routes in (
            ("/telegram", control_routes(self._telegram, self._telegram.add_bot)),
            ("/kommo", kommo_control.routes(self._kommo)),
        ):
            part = web.Application(client_max_size=UPLOAD_LIMIT_BYTES)
            part.add_routes(routes)
            app.add_subapp(prefix, part)
        return app

    async def watch(self) -> None:
        """Look at the bridge again and again, whatever a look comes to."""
        while True:
            try:
                await self._look()
            except Exception:
                log.exception("the page could not look at the bridge")
            self.feed.poke()
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        await self._health.ask(self._bridge.admin_url)
        if self._is_hindered():
            self._hindered_at = time.time()
        self._ledger = ledger_of(self._telegram, self._kommo)
        await self._ways.ask(self._bridge, self._ledger)

    async def close(self) -> None:
        """End what still runs."""
        self.stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.copies.close()

    def _records(self) -> dict[str, Json]:
        self._ledger = ledger_of(self._telegram, self._kommo)
        return {
            **telegram_records(self._telegram),
            **kommo_records(self._kommo, self.copies.has),
            **self._ways.records(self._ledger),
            "bridge/state": self._state(),
            "bridge/switches": self._switches.states(),
            "bridge/count": self._count(),
            "bridge/story": dict(self._story),
        }

    def _state(self) -> Json:
        health = self._health
        return {
            "state": self._bridge.state,
            "is_well": health.is_well,
            "problems": health.problems,
            "pending": dict(health.pending),
            "dead": health.dead,
        }

    def _is_hindered(self) -> bool:
        """Tell whether something stands in a message's way, or waits by itself."""
        is_broken = any(self._switches.states().values())
        waits = any(self._health.pending.values())
        return is_broken or waits or self._bridge.state != "running" or not self._health.is_well

    def _count(self) -> Json:
        now = time.time()
        calm_s = now - self._hindered_at
        return asdict(self._ledger.count(calm_s=calm_s, now_ms=int(now * 1000), told=self._told))

    @web.middleware
    async def _poking(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Show what a person did while it is still being done, and again afterwards."""
        if request.method == "POST":
            asyncio.get_running_loop().call_later(0.02, self.feed.poke)
        try:
            return await handler(request)
        finally:
            self.feed.poke()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Tell a browser everything, and then what changes (server-sent events)."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with self.feed.subscribed() as queue, suppress(ConnectionError):
            while not self.stopping.is_set():
                await response.write(await self._next(queue))
        return response

    async def _next(self, queue: asyncio.Queue[str]) -> bytes:
        waiting = [asyncio.ensure_future(one) for one in (queue.get(), self.stopping.wait())]
        try:
            await asyncio.wait(waiting, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            told = waiting[0].result() if waiting[0].done() else None
        finally:
            for task in waiting:
                task.cancel()
        return f"data: {told}\n\n".encode() if told else b": still here\n\n"

    async def _kill(self, _request: web.Request) -> web.Response:
        await self._bridge.kill()
        return json_response({"state": self._bridge.state})

    async def _start(self, _request: web.Request) -> web.Response:
        problem = await self._bridge.start()
        return json_response({"error": problem}, 500) if problem else json_response({})

    async def _switch(self, request: web.Request) -> web.Response:
        fields = await control_fields(request, "name")
        try:
            self._switches.set(str(fields.get("name")), is_on=bool(fields.get("is_on", True)))
        except LookupError as error:
            return json_response({"error": str(error.args[0])}, 404)
        return json_response(self._switches.states())

    async def _invite(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        if not number.isdecimal():
            raise web.HTTPNotFound
        return json_response({"link": await self._bridge.invite(int(number))})

    async def _play(self, _request: web.Request) -> web.Response:
        if not self._story["is_running"]:
            self._story = {"is_running": True, "line": "", "client": story.ANN}
            self._background(self._tell())
        return json_response(self._story)

    async def _tell(self) -> None:
        """Play the story slowly enough to be watched."""

        def say(line: str) -> None:
            if line.strip():
                self._story = {**self._story, "line": " ".join(line.split())}
                self.feed.poke()

        def look_at(chat_id: int) -> None:
            self._story = {**self._story, "client": chat_id}
            self.feed.poke()

        try:
            await story.tell(
                self._telegram,
                self._kommo,
                say=say,
                stop=self.stopping,
                pause_s=STORY_PAUSE_S,
                look_at=look_at,
            )
        finally:
            self._story = {**self._story, "is_running": False}
            self.feed.poke()

    def _background(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def serve_page(
    telegram: TelegramServer,
    kommo: KommoServer,
    bridge: Bridge,
    listening: socket.socket,
) -> AsyncIterator[str]:
    """Serve the page on a socket until the block is left; yield its address."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        page = Page(telegram, kommo, bridge, session)
        runner = web.AppRunner(page.application(), access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(page.close)
        await web.SockSite(runner, listening).start()
        for server in (telegram, kommo):
            _listen(stack, server.on_change, page.feed.poke)
        for work in (page.watch(), page.feed.run()):
            task = asyncio.create_task(work)
            stack.push_async_callback(_ended, task)
        host, port = listening.getsockname()[:2]
        yield f"http://{host}:{port}"


def _listen(
    stack: AsyncExitStack, listeners: list[Callable[[], None]], tell: Callable[[], None]
) -> None:
    listeners.append(tell)
    stack.callback(listeners.remove, tell)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
