"""Guard the page: only a browser on this machine that shows the page itself may talk to it."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOCAL_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@web.middleware
async def own_page_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another website makes a browser ask, or asks under a name of its own."""
    if not is_local(request.headers.get("Host", "")):
        return web.Response(status=421, text="This page is for this machine only.\n")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.headers['Host']}":
        return web.Response(status=403, text="Another website may not use this page.\n")
    return await handler(request)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Let the page load nothing from outside, and nobody embed it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def is_local(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    try:
        return urlsplit(f"//{host}").hostname in LOCAL_NAMES
    except ValueError:
        return False
