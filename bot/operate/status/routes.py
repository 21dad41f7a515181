"""The routes of the local listener beside health: status page, its buttons, metrics."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.operate.status.metrics import Metrics
from bot.operate.status.page import page
from bot.operate.status.state import State
from storage.errors import StorageError

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Action = Callable[[Sequence[str]], Awaitable[int]]
"""Does something to items; returns how many of them there were."""


class AdminRoutes:
    """Shows how the service is; tries items again, or gives them up.

    Args:
        read: how the service is, for the metrics.
        show: the same with what the page tells besides.
        actions: what the page's buttons do, by their address.
        metrics: what is counted.
        version: the program's.
    """

    def __init__(
        self,
        *,
        read: Callable[[], Awaitable[State]],
        show: Callable[[], Awaitable[State]],
        actions: Mapping[str, Action],
        metrics: Metrics,
        version: str,
    ) -> None:
        self._read = read
        self._show = show
        self._actions = actions
        self._metrics = metrics
        self._version = version
        self._csrf = secrets.token_urlsafe(32)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self._page),
            *(web.post(way, partial(self._press, act)) for way, act in self._actions.items()),
            web.get("/metrics", self._show_metrics),
        ]

    async def _page(self, _request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        html = page(await self._show(), csrf=self._csrf, nonce=nonce, version=self._version)
        return web.Response(
            text=html,
            content_type="text/html",
            headers=HEADERS | {"Content-Security-Policy": policy},
        )

    async def _press(self, act: Action, request: web.Request) -> web.Response:
        form = await request.post()
        if not hmac.compare_digest(str(form.get("csrf", "")).encode(), self._csrf.encode()):
            raise web.HTTPForbidden(text="This page is out of date: load it again.\n")
        try:
            count = await act([str(form.get("id", ""))])
        except StorageError as error:
            raise web.HTTPServiceUnavailable(
                text="The database takes nothing at the moment: nothing was changed.\n"
            ) from error
        if not count:
            raise web.HTTPNotFound(text="This item no longer exists.\n")
        raise web.HTTPSeeOther("/")

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        body = self._metrics.render(await self._read())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
