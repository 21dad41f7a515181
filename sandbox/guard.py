"""Guard what drives the sandbox: only this machine's browsers, and only the sandbox's own page.

A website elsewhere can make a browser ask a loopback address: by a form or a script (its `Origin`
tells), by an address that it embeds (`Sec-Fetch-Site` tells), or by giving its own name this
machine's address (`Host` tells). Programs such as curl send neither of the first two.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOCAL_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
CONTROL: Final = "/sandbox/"
OWN_SITES: Final = frozenset({"none", "same-origin"})
"""Reference: Fetch Metadata Request Headers, Sec-Fetch-Site."""


@web.middleware
async def own_page_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another website makes a browser ask, or asks under a name of its own."""
    refused = refusal(request)
    return await handler(request) if refused is None else refused


@web.middleware
async def own_controls_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse the same for the control routes of a server, and leave its API as it is."""
    resource = request.match_info.route.resource
    if resource is None or not resource.canonical.startswith(CONTROL):
        return await handler(request)
    return await own_page_only(request, handler)


def refusal(request: web.Request) -> web.Response | None:
    """Return why a request is not carried out; nothing where it is."""
    if not is_local(request.headers.get("Host", "")):
        return web.Response(status=421, text="This is for this machine only.\n")
    origin = request.headers.get("Origin")
    is_foreign = origin is not None and origin != f"http://{request.headers['Host']}"
    if is_foreign or _is_embedded(request):
        return web.Response(status=403, text="Another website may not use this.\n")
    return None


def _is_embedded(request: web.Request) -> bool:
    """Tell whether another website asks; one that only links here is none."""
    is_link = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return not is_link and request.headers.get("Sec-Fetch-Site", "none") not in OWN_SITES


def is_local(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    try:
        return urlsplit(f"//{host}").hostname in LOCAL_NAMES
    except ValueError:
        return False
