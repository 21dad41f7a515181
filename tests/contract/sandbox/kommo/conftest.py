"""A Kommo of the sandbox, an integration that signs by itself, and a receiver of hooks."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.kommo.model import Channel, Habits
from sandbox.kommo.server import KommoServer

CHANNEL = "11111111-2222-4333-8444-555555555555"
ACCOUNT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SECRET = "0123456789abcdef0123456789abcdef01234567"
NOW = datetime(2026, 1, 2, 10, 0, tzinfo=UTC)
CONVERSATION = "tg:700001:555"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.now


@dataclass
class Integration:
    """Whoever uses the Chats API; signs with the standard library alone."""

    http: aiohttp.ClientSession
    kommo: KommoServer
    scope: str = f"{CHANNEL}_{ACCOUNT}"
    date: str = format_datetime(NOW)
    sent: int = 0

    async def call(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        change: dict[str, str | None] | None = None,
        signed_path: str | None = None,
    ) -> tuple[int, Any]:
        """Make a signed call below the API's root; returns status and answer."""
        body = b"" if content is None else content
        if not isinstance(body, bytes):
            body = json.dumps(content).encode()
        full = f"/v2/origin/custom/{path}"
        md5 = hashlib.md5(body).hexdigest()
        signed = signed_path or full.partition("?")[0]
        lines = "\n".join((method, md5, "application/json", self.date, signed))
        headers: dict[str, str | None] = {
            "Date": self.date,
            "Content-Type": "application/json",
            "Content-MD5": md5,
            "X-Signature": hmac.new(SECRET.encode(), lines.encode(), "sha1").hexdigest(),
        }
        given = {k: v for k, v in {**headers, **(change or {})}.items() if v is not None}
        async with self.http.request(
            method,
            self.kommo.url + full,
            data=body,
            headers=given,
            skip_auto_headers=("Content-Type",),
        ) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def connect(self, **change: Any) -> tuple[int, Any]:
        """Connect the account."""
        body = {"account_id": ACCOUNT, "title": "Telegram", "hook_api_version": "v2", **change}
        return await self.call("POST", f"{CHANNEL}/connect", body)

    async def send(self, text: str = "hello", **change: Any) -> tuple[int, Any]:
        """Send a text of the client, or a payload that differs from it."""
        self.sent += 1
        payload = {
            "timestamp": 1767340000 + self.sent,
            "msec_timestamp": 1767340000123 + self.sent * 1000,
            "msgid": f"{CONVERSATION}:{self.sent}",
            "conversation_id": CONVERSATION,
            "silent": False,
            "sender": {"id": "tg:555", "name": "Zoë"},
            "message": {"type": "text", "text": text},
            **change,
        }
        given = {key: value for key, value in payload.items() if value is not None}
        return await self.event("new_message", given)

    async def event(self, event_type: str, payload: Any) -> tuple[int, Any]:
        """Send an event of the scope."""
        return await self.call("POST", self.scope, {"event_type": event_type, "payload": payload})

    async def status(self, message_id: str, **body: Any) -> tuple[int, Any]:
        """Report a delivery status."""
        return await self.call("POST", f"{self.scope}/{message_id}/delivery_status", body)


@dataclass
class Receiver:
    """The integration's webhook; answers what it is told to."""

    url: str = ""
    status: int = 200
    delay_s: float = 0
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    signatures: list[str | None] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """Keep a hook as it came."""
        self.bodies.append(await request.read())
        self.paths.append(request.path)
        self.signatures.append(request.headers.get("X-Signature"))
        await asyncio.sleep(self.delay_s)
        return web.Response(status=self.status, text="noted")

    @property
    def events(self) -> list[Any]:
        """The hooks as JSON."""
        return [json.loads(body) for body in self.bodies]


@pytest.fixture
def clock() -> Clock:
    """The sandbox's clock."""
    return Clock()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A webhook on loopback."""
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hooks/{scope}", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}/hooks/:scope_id"
    yield made
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def kommo(clock: Clock, receiver: Receiver) -> AsyncIterator[KommoServer]:
    """A Kommo that posts hooks to the receiver."""
    async with KommoServer.start(
        Channel(CHANNEL, SECRET, ACCOUNT),
        hook_url=receiver.url,
        habits=Habits(patience_s=0.3),
        now=clock,
    ) as server:
        yield server


@pytest.fixture
def stranger(http: aiohttp.ClientSession, kommo: KommoServer) -> Integration:
    """An integration that has not connected the account."""
    return Integration(http, kommo)


@pytest.fixture
async def integration(stranger: Integration) -> Integration:
    """An integration that has connected the account."""
    assert (await stranger.connect())[0] == 200
    return stranger


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait until something is true."""

    async def wait(is_true: Callable[[], bool]) -> None:
        for _ in range(1000):
            if is_true():
                return
            await asyncio.sleep(0.005)
        pytest.fail("it did not come true")

    return wait
