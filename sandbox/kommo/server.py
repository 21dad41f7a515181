"""A Kommo on loopback: the Chats API, a little REST, a media host, and its webhooks.

It is as strict as the documentation: what is not signed, typed and ordered as documented is
refused and kept in `rejected`::

    async with KommoServer.start(Channel(id=..., secret=..., account_id=...)) as kommo:
        kommo.hook_url = f"{bridge}/webhooks/kommo/:scope_id"
        message_id = await kommo.manager_says("hello", to="our conversation id")
        assert kommo.statuses_of(message_id) == [1]

Faults match paths: ``kommo.faults.fail("*/delivery_status", status=503)``; `where` sees the
body as ``call.fields`` and ``chat_id=`` is the conversation's id.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.faults import Call
from sandbox.http import SandboxServer, json_response
from sandbox.kommo import control, rest
from sandbox.kommo.account import Account
from sandbox.kommo.checks import parse
from sandbox.kommo.hooks import Hooks
from sandbox.kommo.media import FetchedMedia, MediaHost, fetch
from sandbox.kommo.model import (
    ApiCall,
    Channel,
    Habits,
    Json,
    Person,
    RefusedError,
)
from sandbox.kommo.oauth import Authority, Gate
from sandbox.kommo.results import KommoResults
from sandbox.kommo.routes import HISTORY, ROOT, Route, find_route
from sandbox.kommo.shared import error_body
from sandbox.kommo.signing import SignedHeaders, refusal

MANAGER = Person("33333333-4444-4555-8666-777777777777", "Manager")
HABITS = Habits()


class KommoServer(KommoResults, SandboxServer):
    """One account with one channel; `start` makes one and serves it.

    Args:
        channel: whose calls are taken, and how they are signed.
        hook_url: where hooks go; ``:scope_id`` in it is replaced. May be set later.
        users: who answers in Kommo; the first one is the usual manager.
        habits: what it does one way or another.
        now: the clock.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        hook_url: str | None = None,
        users: Iterable[Person] = (MANAGER,),
        habits: Habits = HABITS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        SandboxServer.__init__(self, lambda status, _: error_body(status, "told to fail"))
        account = Account(channel, users=users, habits=habits, now=now)
        hooks = Hooks(url=hook_url, channel=channel, habits=habits)
        KommoResults.__init__(self, account, hooks, MediaHost(channel.account_id))
        self.channel_id = channel.id
        self.scope_id = channel.scope_id
        self.access_token = channel.access_token
        self.authority = Authority(now, channel.access_token)
        self.gate = Gate()
        self.fetch_media = habits.fetch_media
        self.head_first = habits.head_first
        self.fetched: list[FetchedMedia] = []
        self._secret = channel.secret
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    @asynccontextmanager
    async def start(
        cls, channel: Channel, host: str = "127.0.0.1", port: int = 0, **options: Any
    ) -> AsyncIterator["KommoServer"]:
        """Serve until the block ends; the options are those of the class."""
        server = cls(channel, **options)
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            server.serving(host, port),
        ):
            server._session = server._hooks.session = session
            server._media.base_url = server.url
            yield server

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of all that Kommo is."""
        return [
            web.route("*", ROOT + "{tail:.*}", self._chats),
            web.route("*", "/api/v4/{tail:.*}", self._rest),
            web.post("/oauth2/access_token", self._tokens),
            web.get("/oauth", self._consent),
            web.get("/attachments/{tail:.*}", self._attachment),
            *control.routes(self),
            web.route("*", "/{tail:.*}", self._unknown),
        ]

    async def _chats(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        path = request.raw_path.partition("?")[0]
        fields = self._fields(body)
        payload = fields.get("payload", fields)
        call = Call(request, path, payload.get("conversation_id"), fields)

        async def process() -> web.Response:
            return self._answer(request, path, body)

        return await self.guarded(call, process)

    def _fields(self, body: bytes) -> Json:
        """What faults may look at; parsed only where there are any."""
        fields: Json = {}
        if any(self.faults):
            with suppress(ValueError):
                fields = parse(body)
        return fields if isinstance(fields.get("payload", {}), dict) else {}

    def _answer(self, request: web.Request, path: str, body: bytes) -> web.Response:
        route = find_route(request.method, path)
        content: Json | None = None
        status, reason = 200, None
        try:
            content = self._carried_out(route, request, path, body)
        except RefusedError as error:
            status, reason = error.status, error.reason
            content = error_body(status, reason, error.error_type)
        if content is None:
            status = 204
        name = route.name if route else "unknown"
        now = self.account.now()
        self._calls.append(ApiCall(name, request.method, path, body, status, reason, now))
        return web.Response(status=204) if content is None else json_response(content, status)

    def _carried_out(
        self, route: Route | None, request: web.Request, path: str, body: bytes
    ) -> Json | None:
        if route is None:
            raise RefusedError(404, "no such call")
        self._want_signed(request, path, body)
        self._want_owner(route)
        if route.name == HISTORY:
            return route.carry(self.account, route.id, dict(request.query))
        try:
            fields = parse(body)
        except ValueError as error:
            raise RefusedError(400, f"not JSON: {error}") from error
        owner = self.channel_id if route.is_of_channel else route.id
        answer = route.carry(self.account, owner, fields)
        self._fetch_links(route, fields)
        return answer

    def _want_signed(self, request: web.Request, path: str, body: bytes) -> None:
        problem = refusal(
            self._secret,
            method=request.method,
            path=path,
            headers=SignedHeaders.of(lambda name: request.headers.getall(name, [])),
            body=body,
            now=self.account.now(),
        )
        if problem is not None:
            raise RefusedError(403, problem, "ORIGIN_INVALID_SIGNATURE")

    def _want_owner(self, route: Route) -> None:
        if not self.account.is_enabled:
            raise RefusedError(404, "NOT_FOUND", "ORIGIN_NOT_REGISTERED")
        if route.is_of_channel:
            if route.owner != self.channel_id:
                raise RefusedError(404, "no such channel", "ORIGIN_NOT_REGISTERED")
        elif route.owner == self.channel_id:
            raise RefusedError(403, "the path wants the scope_id, not the channel's id")
        elif route.owner != self.scope_id:
            raise RefusedError(404, "no such scope", "ORIGIN_NOT_REGISTERED")
        elif not self.account.is_connected:
            raise RefusedError(403, "the account has not connected the channel")

    def _fetch_links(self, route: Route, body: Json) -> None:
        payload = body.get("payload", {})
        if not self.fetch_media or self._session is None or route.name != "send":
            return
        links = (payload.get("sender", {}).get("avatar"), payload["message"].get("media"))
        for link in links:
            if link:
                self.background(self._fetch(self._session, link))

    async def _fetch(self, session: aiohttp.ClientSession, link: str) -> None:
        self.fetched.append(await fetch(session, link, head_first=self.head_first))

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def process() -> web.Response:
            return rest.answer(
                self.account, request, body, authority=self.authority, gate=self.gate
            )

        return await self.guarded(Call(request, request.path), process)

    async def _tokens(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def process() -> web.Response:
            return rest.answer_with(self.gate, lambda: self.authority.tokens(body))

        return await self.guarded(Call(request, request.path), process)

    async def _consent(self, request: web.Request) -> web.StreamResponse:
        """Send the browser of an administrator who says yes back to the integration."""
        try:
            raise web.HTTPFound(self.authority.consent(request.query))
        except RefusedError as error:
            return json_response(error_body(error.status, error.reason), error.status)

    async def _attachment(self, request: web.Request) -> web.StreamResponse:
        return await self.guarded(Call(request, request.path), lambda: self._media.serve(request))

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        return json_response(error_body(404, "no such page"), 404)
