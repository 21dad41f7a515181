"""Headers of the page: it loads nothing from outside, and nobody embeds it."""

from typing import Final

from aiohttp import web

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


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Let the page load nothing from outside, and nobody embed it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
