"""`ChatsApi` against a real HTTP server, which checks every signature by itself."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from kommo.answers import CreatedChat
from kommo.chats import ChatsApi, Identity
from kommo.content import Content
from kommo.errors import (
    HeldBackError,
    RateLimitedError,
    RejectedError,
    RequestError,
    ServerError,
    UnreachableError,
)
from kommo.exchange import OverHttpx
from kommo.ids import (
    AmojoId,
    ChannelId,
    ConversationId,
    ExternalMessageId,
    KommoChatId,
    KommoMessageId,
    ParticipantId,
    scope_id,
)
from kommo.limits import AT_A_TIME, SLOW_DOWN_S
from kommo.models import EditMessage, NewChat, NewMessage, Reaction, Typing
from kommo.people import Person
from kommo.status_names import StatusNames
from kommo.statuses import DeliveryStatus, StatusCode

Sample = Callable[[str], Any]
Method = Callable[[ChatsApi], Awaitable[object]]

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=timezone(timedelta(hours=2)))
DATE = "Fri, 02 Jan 2026 10:00:00 +0000"
SECRET = "0123456789abcdef0123456789abcdef01234567"
CHANNEL = ChannelId("11111111-2222-4333-8444-555555555555")
ACCOUNT = AmojoId("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
TLS = httpx.create_ssl_context()  # made once, as it takes 50 ms; nothing here uses it
SCOPE = scope_id(CHANNEL, ACCOUNT)
IDENTITY = Identity(CHANNEL, SCOPE, SECRET)
ROOT = "/v2/origin/custom"
CHAT = KommoChatId("99999999-8888-4777-8666-555555555555")
CONVERSATION = ConversationId("tg:700001:555")
OUTGOING = KommoMessageId("77777777-6666-4555-8444-333333333333")
OURS = ExternalMessageId("tg:700001:555:42")
ZOE = Person(id=ParticipantId("tg:555"), name="Zoë")
MESSAGE = NewMessage(
    at=NOW,
    external_id=OURS,
    conversation_id=CONVERSATION,
    sender=ZOE,
    content=Content(type="text", text="Hello 👋"),
)
EDIT = EditMessage(at=NOW, conversation_id=CONVERSATION, external_id=OURS, content=MESSAGE.content)
DELIVERED = DeliveryStatus(kommo_message_id=OUTGOING, status=StatusCode.DELIVERED)
TYPING = Typing(conversation_id=CONVERSATION, sender_id=ZOE.id)
REACTION = Reaction(
    type="react",
    emoji="👍",
    conversation_id=CONVERSATION,
    kommo_message_id=OUTGOING,
    user_id=ZOE.id,
)

METHODS: dict[str, tuple[str, Method]] = {
    "connect": (
        f"POST {ROOT}/{CHANNEL}/connect",
        lambda chats: chats.connect(ACCOUNT, "Telegram"),
    ),
    "disconnect": (
        f"DELETE {ROOT}/{CHANNEL}/disconnect",
        lambda chats: chats.disconnect(ACCOUNT),
    ),
    "send_message": (f"POST {ROOT}/{SCOPE}", lambda chats: chats.send_message(MESSAGE)),
    "edit_message": (f"POST {ROOT}/{SCOPE}", lambda chats: chats.edit_message(EDIT)),
    "set_delivery_status": (
        f"POST {ROOT}/{SCOPE}/{OUTGOING}/delivery_status",
        lambda chats: chats.set_delivery_status(DELIVERED),
    ),
    "send_typing": (f"POST {ROOT}/{SCOPE}/typing", lambda chats: chats.send_typing(TYPING)),
    "react": (f"POST {ROOT}/{SCOPE}/react", lambda chats: chats.react(REACTION)),
    "create_chat": (
        f"POST {ROOT}/{SCOPE}/chats",
        lambda chats: chats.create_chat(NewChat(conversation_id=CONVERSATION, user=ZOE)),
    ),
    "history": (
        f"GET {ROOT}/{SCOPE}/chats/{CHAT}/history?offset=0&limit=50",
        lambda chats: chats.history(CHAT),
    ),
}
EVERY_METHOD = pytest.mark.parametrize("name", METHODS)


@dataclass
class Server:
    """A server that says what it is told to, to calls whose signature is right."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    is_hanging_up: bool = False
    delay_s: float = 0.0
    lines: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    def answers(self, body: object, status: int = 200) -> None:
        """Answer from now on with a JSON body."""
        self.body, self.status = json.dumps(body).encode(), status

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Check a call, and answer it."""
        body = await request.read()
        self.lines.append(f"{request.method} {request.raw_path}")
        self.bodies.append(body)
        self.problems += self._check(request, body)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(self.delay_s)
        self.under_way -= 1
        if self.is_hanging_up and request.transport is not None:
            request.transport.abort()
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    def _check(self, request: web.Request, body: bytes) -> list[str]:
        md5 = hashlib.md5(body).hexdigest()
        signed = [request.method, md5, "application/json", DATE, request.raw_path.split("?")[0]]
        expected = {
            "Date": DATE,
            "Content-Type": "application/json",
            "Content-MD5": md5,
            "X-Signature": hmac.new(
                SECRET.encode(), "\n".join(signed).encode(), hashlib.sha1
            ).hexdigest(),
        }
        return [
            f"{name}: {request.headers.getall(name, [])}"
            for name, value in expected.items()
            if request.headers.getall(name, []) != [value]
        ]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    """Run a server on loopback, and complain about calls that were not signed right."""
    server, app = Server(), web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    yield server
    await runner.cleanup()
    assert server.problems == []


@pytest_asyncio.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to the server, with little patience and, unlike Kommo's, a default to follow."""
    async with httpx.AsyncClient(
        base_url=server.url, timeout=5.0, verify=TLS, trust_env=False, follow_redirects=True
    ) as http:
        yield http


def chats_over(http: httpx.AsyncClient) -> ChatsApi:
    """Return the API as the bridge builds it."""
    return ChatsApi(OverHttpx(http), IDENTITY, now=lambda: NOW)


@pytest.fixture
def chats(http: httpx.AsyncClient) -> ChatsApi:
    """Return the API over the server."""
    return chats_over(http)


ENOUGH = {"scope_id": SCOPE, "id": CHAT, "messages": [], "new_message": {}}
"""An answer with what any of the methods needs."""


@EVERY_METHOD
async def test_every_call_is_signed(name: str, server: Server, chats: ChatsApi) -> None:
    """Each method makes its one documented call, whose signature covers the bytes sent."""
    server.answers(ENOUGH)
    line, method = METHODS[name]
    await method(chats)
    assert server.lines == [line]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(307, RejectedError, id="redirect"),
        pytest.param(400, RejectedError, id="bad-data"),
        pytest.param(403, RejectedError, id="forbidden"),
        pytest.param(404, RejectedError, id="unknown"),
        pytest.param(429, RateLimitedError, id="too-many"),
        pytest.param(500, ServerError, id="failed"),
        pytest.param(503, ServerError, id="unavailable"),
    ],
)
@EVERY_METHOD
async def test_every_refusal_is_told(
    name: str, status: int, kind: type[RequestError], server: Server, chats: ChatsApi
) -> None:
    """Whatever is refused, the error says so in Kommo's words, once, and without secrets."""
    line, method = METHODS[name]
    server.answers({"detail": "no", "secret": SECRET}, status)
    server.headers = {"Location": f"{server.url}/elsewhere", "Retry-After": "7"}
    with pytest.raises(kind) as raised:
        await method(chats)
    assert raised.value.status == status
    assert str(raised.value).startswith(f"{line.split('?')[0]}: Kommo answered {status}: ")
    assert '"detail": "no"' in str(raised.value)
    assert SECRET not in str(raised.value)
    assert server.lines == [line]


@EVERY_METHOD
async def test_every_lost_answer_is_uncertain(name: str, server: Server, chats: ChatsApi) -> None:
    """A call whose answer was lost may have been carried out, and the error says so."""
    server.is_hanging_up = True
    with pytest.raises(UnreachableError) as raised:
        await METHODS[name][1](chats)
    assert raised.value.was_sent


@EVERY_METHOD
async def test_every_call_to_nobody_is_certain(name: str, unused_tcp_port: int) -> None:
    """A call that found nobody was certainly not carried out."""
    address = f"http://127.0.0.1:{unused_tcp_port}"
    async with httpx.AsyncClient(base_url=address, verify=TLS, trust_env=False) as http:
        with pytest.raises(UnreachableError) as raised:
            await METHODS[name][1](chats_over(http))
    assert not raised.value.was_sent


async def test_address_that_is_none_is_certain() -> None:
    """A wrong address in the settings is no bug of the worker's."""
    async with httpx.AsyncClient(verify=TLS, trust_env=False) as http:
        with pytest.raises(UnreachableError) as raised:
            await chats_over(http).send_message(MESSAGE)
    assert not raised.value.was_sent


async def test_late_answer_is_uncertain(server: Server) -> None:
    """A call that took too long may have been carried out."""
    server.delay_s = 0.5
    async with httpx.AsyncClient(
        base_url=server.url, timeout=0.05, verify=TLS, trust_env=False
    ) as http:
        with pytest.raises(UnreachableError) as raised:
            await chats_over(http).send_message(MESSAGE)
    assert raised.value.was_sent


async def test_nothing_is_asked_while_kommo_wants_to_be_left_alone(
    server: Server, chats: ChatsApi
) -> None:
    """After a 429 no call leaves for as long as Kommo says; who asks learns how long."""
    server.answers({"detail": "slow down"}, 429)
    server.headers = {"Retry-After": "7"}
    with pytest.raises(RateLimitedError):
        await chats.send_message(MESSAGE)
    with pytest.raises(HeldBackError) as raised:
        await chats.send_message(MESSAGE)
    assert 0 < (raised.value.retry_after_s or 0) <= 7
    assert 0 < chats.held_s <= 7
    assert len(server.lines) == 1


async def test_a_pause_without_an_end_is_a_short_one(server: Server, chats: ChatsApi) -> None:
    """Kommo's 429 need not say for how long."""
    server.answers({"detail": "slow down"}, 429)
    with pytest.raises(RateLimitedError):
        await chats.send_message(MESSAGE)
    assert 0 < chats.held_s <= SLOW_DOWN_S


async def test_ten_calls_at_a_time(server: Server, chats: ChatsApi) -> None:
    """The eleventh waits until one of them is answered."""
    server.answers(ENOUGH)
    server.delay_s = 0.2
    await asyncio.gather(*(chats.send_message(MESSAGE) for _ in range(AT_A_TIME + 1)))
    assert server.most == AT_A_TIME
    assert len(server.lines) == AT_A_TIME + 1


async def test_scope_is_needed_for_all_but_connecting(
    server: Server, http: httpx.AsyncClient
) -> None:
    """Before the account is known a message waits, and the channel can be connected."""
    unconnected = ChatsApi(OverHttpx(http), Identity(CHANNEL, None, SECRET), now=lambda: NOW)
    with pytest.raises(UnreachableError) as raised:
        await unconnected.send_message(MESSAGE)
    server.answers(ENOUGH)
    connection = await unconnected.connect(ACCOUNT, "Telegram", is_time_window_disabled=True)
    assert not raised.value.was_sent
    assert connection.scope_id == SCOPE
    assert json.loads(server.bodies[0]) == {
        "account_id": ACCOUNT,
        "title": "Telegram",
        "hook_api_version": "v2",
        "is_time_window_disabled": True,
    }


async def test_sent_message_is_known_by_kommos_id(
    server: Server, chats: ChatsApi, sample: Sample
) -> None:
    """Sending tells Kommo's id of the message; the text goes as raw UTF-8."""
    server.answers(sample("new-message.answer"))
    sent = await chats.send_message(MESSAGE)
    assert sent.kommo_message_id == "88888888-7777-4666-8555-444444444444"
    assert "Hello 👋".encode() in server.bodies[0]


PAGE = b"<!doctype html><title>Just a moment</title>"
NOT_REGISTERED = {
    "status": 0,
    "error_code": 404,
    "error_type": "ORIGIN_NOT_REGISTERED",
    "error_description": "NOT_FOUND",
}


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PAGE, id="page"),
        pytest.param(b"OK", id="word"),
        pytest.param(b'"OK"', id="json-word"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"new_message":{"ms', id="cut"),
        pytest.param(b"\x00\xff", id="bytes"),
    ],
)
@EVERY_METHOD
async def test_a_success_is_kommos_own(
    name: str, status: int, body: bytes, server: Server, chats: ChatsApi
) -> None:
    """Whatever the status, an answer that is not Kommo's proves nothing: asked again later."""
    server.status, server.body = status, body
    with pytest.raises(ServerError, match="cannot be read"):
        await METHODS[name][1](chats)


@pytest.mark.parametrize(
    "body",
    [
        {"ok": True},
        {"message": "Service under maintenance"},
        {"result": "captcha", "url": "https://waf.invalid/"},
        {"new_messages": []},
    ],
    ids=json.dumps,
)
async def test_a_message_is_not_taken_by_whoever_else_answers_in_json(
    body: object, server: Server, chats: ChatsApi
) -> None:
    """What stands in between may speak JSON too: taken for Kommo's, the message would be lost."""
    server.answers(body)
    with pytest.raises(ServerError, match="cannot be read"):
        await chats.send_message(MESSAGE)


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        pytest.param({"status": 0, "error_code": 500}, ServerError, 500, id="500"),
        pytest.param({"title": "ErrInternalServer", "status": 503}, ServerError, 503, id="title"),
        pytest.param({"status": "500"}, ServerError, 500, id="text"),
        pytest.param({"error_type": "ODD"}, ServerError, 200, id="type-alone"),
        pytest.param({"errors": [{"code": "Odd"}]}, ServerError, 200, id="errors"),
        pytest.param({"error": "internal"}, ServerError, 200, id="error-alone"),
        pytest.param({"error": {"code": 400, "message": "Odd"}}, ServerError, 200, id="object"),
        pytest.param({"error_description": "Odd"}, ServerError, 200, id="description-alone"),
        pytest.param({"title": "Odd", "detail": "Odd"}, ServerError, 200, id="detail"),
        pytest.param({"status": "error"}, ServerError, 200, id="word"),
        pytest.param({"success": False}, ServerError, 200, id="no-success"),
        pytest.param({"ok": False}, ServerError, 200, id="not-ok"),
        pytest.param({"error_code": 429, "retry_after": 6}, RateLimitedError, 429, id="429"),
        pytest.param({"status": 400, "title": "Bad Request"}, ServerError, 400, id="400"),
        pytest.param({"status": 403, "title": "Forbidden"}, RejectedError, 403, id="403"),
        pytest.param(NOT_REGISTERED, RejectedError, 404, id="not-registered"),
    ],
)
@EVERY_METHOD
async def test_a_success_that_speaks_of_an_error_is_one(
    name: str,
    body: object,
    kind: type[RequestError],
    told: int,
    server: Server,
    chats: ChatsApi,
) -> None:
    """What the body says decides, whatever the status pretends."""
    server.answers(body)
    with pytest.raises(kind) as raised:
        await METHODS[name][1](chats)
    assert raised.value.status == told


async def test_an_echoed_status_is_no_error(server: Server, chats: ChatsApi) -> None:
    """The code of a delivery status is not one of HTTP."""
    server.answers({"status_code": -1, "error_code": 905, "error": "blocked"})
    await chats.set_delivery_status(DELIVERED)


@pytest.mark.parametrize("wait", [6, "6", 6.0, "6.0"])
@EVERY_METHOD
async def test_the_body_may_say_how_long_to_wait(
    name: str, wait: object, server: Server, chats: ChatsApi
) -> None:
    """Kommo names the pause in the body of its 429: nothing is asked for so long.

    Reference: Kommo, HTTP codes.
    """
    server.answers({"title": "Too Many Requests", "status": 429, "retry_after": wait}, 429)
    with pytest.raises(RateLimitedError) as raised:
        await METHODS[name][1](chats)
    assert raised.value.retry_after_s == 6.0
    assert 5 < chats.held_s <= 6


async def test_histories_in_the_background_hold_no_message_back(
    server: Server, chats: ChatsApi
) -> None:
    """A pause that Kommo wants of them is theirs; one that it wants of messages is for all."""
    server.answers({"status": 429, "retry_after": 6}, 429)
    with pytest.raises(RateLimitedError):
        await chats.history_behind(CHAT)
    assert chats.held_s == 0.0
    with pytest.raises(HeldBackError):
        await chats.history_behind(CHAT)
    with pytest.raises(RateLimitedError):
        await chats.history(CHAT)
    assert chats.held_s > 5


async def test_the_error_is_known_by_kommos_name(server: Server, chats: ChatsApi) -> None:
    """A 404 of the channel, one of a message and one of a router are told apart."""
    answers: list[tuple[bytes, str, bool, bool]] = [
        (json.dumps(NOT_REGISTERED).encode(), "ORIGIN_NOT_REGISTERED", True, True),
        (b'{"error_code":404,"error_description":"no such message"}', "", True, False),
        (b"<html>404</html>", "", False, False),
        (b'{"message":"no Route matched with those values"}', "", False, False),
        (b"", "", False, False),
    ]
    server.status = 404
    for server.body, error_type, is_kommos, is_about_channel in answers:
        with pytest.raises(RejectedError) as raised:
            await chats.set_delivery_status(DELIVERED)
        error = raised.value
        found = (error.error_type, error.is_kommos, error.is_about_channel)
        assert found == (error_type, is_kommos, is_about_channel)


async def test_empty_answers_are_successes(server: Server, chats: ChatsApi) -> None:
    """Kommo often answers with nothing at all, and with 204 where it pleases."""
    server.body, server.status = b"", 204
    await chats.disconnect(ACCOUNT)
    await chats.edit_message(EDIT)
    await chats.set_delivery_status(DELIVERED)
    await chats.send_typing(TYPING)
    await chats.react(REACTION)
    assert await chats.history(CHAT) == []


@pytest.mark.parametrize("name", ["connect", "create_chat", "history"])
async def test_useless_answer_is_a_failure(name: str, server: Server, chats: ChatsApi) -> None:
    """What was asked for an answer, and got none that can be read, is asked again later."""
    server.body = b"<html>hello</html>"
    with pytest.raises(ServerError, match="cannot be read") as raised:
        await METHODS[name][1](chats)
    assert raised.value.status == 200


async def test_chat_is_created(server: Server, chats: ChatsApi, sample: Sample) -> None:
    """Creating a chat tells Kommo's ids of the chat and of the client."""
    server.answers(sample("create-chat.answer"))
    created = await chats.create_chat(NewChat(conversation_id=CONVERSATION, user=ZOE))
    assert isinstance(created, CreatedChat)
    assert created.kommo_chat_id == CHAT


async def test_history_is_read_in_pages(server: Server, chats: ChatsApi, sample: Sample) -> None:
    """A page of history is asked for by its offset, and comes newest first."""
    server.answers(sample("history.answer"))
    page = await chats.history(CHAT, offset=50, limit=2)
    assert [message.body.text for message in page] == ["Hello ✅", "Do you deliver?"]
    assert server.lines == [f"GET {ROOT}/{SCOPE}/chats/{CHAT}/history?offset=50&limit=2"]
    assert server.bodies == [b""]


async def test_status_is_named_as_the_host_wants(server: Server, http: httpx.AsyncClient) -> None:
    """The status field of the newer pages is a setting away."""
    newer = ChatsApi(
        OverHttpx(http), IDENTITY, now=lambda: NOW, status_names=StatusNames("status_code")
    )
    await newer.set_delivery_status(DELIVERED)
    await chats_over(http).set_delivery_status(DELIVERED)
    assert [json.loads(body) for body in server.bodies] == [
        {"status_code": 1},
        {"msgid": OUTGOING, "delivery_status": 1},
    ]


async def test_call_is_signed_when_it_is_sent(http: httpx.AsyncClient, server: Server) -> None:
    """A retry carries the date of the retry, because a signature lives 15 minutes."""
    moments = iter([NOW.astimezone(UTC), NOW])
    chats = ChatsApi(OverHttpx(http), IDENTITY, now=lambda: next(moments))
    await chats.send_typing(TYPING)
    await chats.send_typing(TYPING)
    assert next(moments, None) is None
    assert len(server.lines) == 2


async def test_rate_limit_tells_its_wait(server: Server, chats: ChatsApi) -> None:
    """A bridge that is too fast learns when to go on, by the clock it was given."""
    server.status, server.headers = 429, {"Retry-After": "Fri, 02 Jan 2026 10:00:30 GMT"}
    with pytest.raises(RateLimitedError) as raised:
        await chats.send_message(MESSAGE)
    assert raised.value.retry_after_s == 30.0
