"""The two HTTP listeners: a public one behind the proxy, and a local one for the operator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from bot.connections import Door, noted, serve
from bot.errors import BridgeError
from bot.health import Health

BODY_LIMIT_BYTES = 1 << 20
"""The largest webhook that is read; aiohttp answers 413 beyond it."""

SHUTDOWN_S = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ListenError(BridgeError):
    """A listener's address is taken or may not be used."""


@dataclass(frozen=True)
class Address:
    """Where a listener listens; port 0 means any free one."""

    host: str
    port: int


def public_application(
    *,
    hooks: Handler,
    hooks_path: str,
    media: Handler,
    media_path: str,
    routes: Sequence[web.RouteDef] = (),
) -> web.Application:
    """Return what the outside may reach: webhooks and media, and what else is given."""
    application = web.Application(client_max_size=BODY_LIMIT_BYTES, middlewares=[noted])
    application.router.add_post(hooks_path, hooks)
    application.router.add_get(media_path, media)  # HEAD too
    application.router.add_routes(routes)
    return application


def admin_application(
    *,
    health: Health,
    is_database_alive: Callable[[], Awaitable[bool]],
    routes: Sequence[web.RouteDef] = (),
) -> web.Application:
    """Return what only this machine may reach: health, and what else is given."""

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

    application = web.Application(middlewares=[noted])
    application.router.add_get("/healthz", healthz)
    application.router.add_routes(routes)
    return application


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
