"""A real HTTP server on loopback, as both servers of the sandbox are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_LIMIT_BYTES = 64 << 20
STOP_S = 0.2
"""How long requests under way may take when the server stops; long polls and hangs are cut off."""


@asynccontextmanager
async def serve(application: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application until the block is left; yields its URL."""
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=STOP_S
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def reset(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
