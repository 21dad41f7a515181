"""The two HTTP listeners: a public one behind the proxy, and a local one for the operator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler as RouteHandler
from aiohttp.typedefs import Middleware

from bot.errors import BridgeError
from bot.health import Health
from bot.http.connections import Door, noted, serve, without_program

SHUTDOWN_S = 0.5
LOCAL_NAMES = ("localhost",)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ListenError(BridgeError):
    """A listener's address is taken or may not be used."""


@dataclass(frozen=True)
class Address:
    """Where a listener listens; port 0 means any free one."""

    host: str
    port: int


def public_base() -> web.Application:
    """Return an application for the public listener, still without routes."""
    application = web.Application(middlewares=[noted])
    application.on_response_prepare.append(without_program)
    return application


def public_application(
    *,
    webhooks: Handler,
    webhooks_path: str,
    media: Handler,
    media_path: str,
    routes: Sequence[web.RouteDef] = (),
) -> web.Application:
    """Return what the outside may reach: webhooks and media, and what else is given."""
    application = public_base()
    application.router.add_post(webhooks_path, webhooks)
    application.router.add_get(media_path, media)  # HEAD too
    application.router.add_routes(routes)
    return application


def admin_application(
    *,
    health: Health,
    is_database_alive: Callable[[], Awaitable[bool]],
    host: str,
    routes: Sequence[web.RouteDef] = (),
) -> web.Application:
    """Return what only this machine may reach: health, and what else is given.

    Args:
        health: what is told of the service.
        is_database_alive: asks the database.
        host: the listener's own name, under which it may be asked as well.
        routes: what else there is.
    """

    async def healthz(_request: web.Request) -> web.Response:
        problems = health.problems()
        if not await is_database_alive():
            problems.insert(0, "the database does not answer")
        bots = {
            str(bot.bot_id): {"name": bot.name, "problem": bot.problem}
            for bot in health.bots.values()
        }
        body = {
            "status": "failing" if problems else "ok",
            "problems": problems,
            "channel": {
                "connected": health.channel.is_connected,
                "problem": health.channel.problem,
            },
            "rest": {"problem": health.rest.problem},
            "bots": bots,
        }
        return web.json_response(body, status=503 if problems else 200)

    application = web.Application(middlewares=[noted, _own_names_only(host)])
    application.on_response_prepare.append(without_program)
    application.router.add_get("/healthz", healthz)
    application.router.add_routes(routes)
    return application


def _own_names_only(host: str) -> Middleware:
    """Return what refuses requests under a foreign name.

    A page on the web may point a name of its own at this machine, and then read what is here;
    it cannot do so with a number for an address.
    """
    names = {*LOCAL_NAMES, host.lower()}

    @web.middleware
    async def check(request: web.Request, handler: RouteHandler) -> web.StreamResponse:
        if not _is_own(request.headers.get(hdrs.HOST), names):
            raise web.HTTPForbidden(text="Open this page as http://127.0.0.1 or localhost.\n")
        return await handler(request)

    return check


def _is_own(header: str | None, names: Collection[str]) -> bool:
    """Tell whether a Host header names this machine; no browser leaves it out."""
    if header is None:
        return True
    try:
        name = urlsplit(f"//{header}").hostname or ""
        return name in names or bool(ip_address(name))
    except ValueError:
        return False


@asynccontextmanager
async def listen(
    application: web.Application, address: Address, door: Door | None = None
) -> AsyncIterator[Address]:
    """Serve an application until the block is left; yields the address with its real port."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        server = await _serve(runner, address, door)
        try:
            yield Address(address.host, int(server.sockets[0].getsockname()[1]))
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _serve(runner: web.AppRunner, address: Address, door: Door | None) -> asyncio.Server:
    if runner.server is None:
        raise RuntimeError("the application is not set up")
    try:
        return await serve(runner.server, address.host, address.port, door or Door())
    except OSError as error:
        raise ListenError(
            f"cannot listen on {address.host}:{address.port}: {error.strerror or error}"
        ) from error
