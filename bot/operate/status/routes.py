"""The routes of the local listener beside health: status page, its retry button, metrics."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Sequence

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

Retry = Callable[[Sequence[str]], Awaitable[int]]


class AdminRoutes:
    """Shows how the service is, and tries dead items again."""

    def __init__(
        self,
        *,
        read: Callable[[], Awaitable[State]],
        retry: Retry,
        metrics: Metrics,
        version: str,
    ) -> None:
        self._read = read
        self._retry = retry
        self._metrics = metrics
        self._version = version
        self._csrf = secrets.token_urlsafe(32)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self._page),
            web.post("/retry", self._press),
            web.get("/metrics", self._show_metrics),
        ]

    async def _page(self, _request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        html = page(await self._read(), csrf=self._csrf, nonce=nonce, version=self._version)
        return web.Response(
            text=html,
            content_type="text/html",
            headers=HEADERS | {"Content-Security-Policy": policy},
        )

    async def _press(self, request: web.Request) -> web.Response:
        form = await request.post()
        if not hmac.compare_digest(str(form.get("csrf", "")).encode(), self._csrf.encode()):
            raise web.HTTPForbidden(text="This page is out of date: load it again.\n")
        try:
            count = await self._retry([str(form.get("id", ""))])
        except StorageError as error:
            raise web.HTTPServiceUnavailable(
                text="The database takes nothing at the moment: nothing was changed.\n"
            ) from error
        if not count:
            raise web.HTTPNotFound(text="There is no such item any more.\n")
        raise web.HTTPSeeOther("/")

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        body = self._metrics.render(await self._read())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
