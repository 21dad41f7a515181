"""The webhook: on disk before it is answered, and nothing stored that Kommo did not sign."""

import asyncio
import hashlib
import hmac
import io
import json
import time
from datetime import timedelta

import aiohttp
import pytest

from bot.http import bodies
from storage.database import Database
from tests.e2e.conftest import ACCOUNT_ID, CHANNEL_ID, SCOPE_ID, SECRET

ANN = 555
CONVERSATION = "tg:700001:555"


def signature(body, secret=SECRET):
    """Return what Kommo would sign a body with."""
    return hmac.new(secret.encode(), body.rstrip(b"\r\n"), hashlib.sha1).hexdigest()


MESSAGE = "77777777-6666-4555-8444-333333333333"


def hook(text="Hello", *, message_id=MESSAGE, age_s=0):
    """Return the body of a manager's message."""
    at = int(time.time()) - age_s
    return json.dumps(
        {
            "account_id": ACCOUNT_ID,
            "time": at,
            "message": {
                "receiver": {"id": "22222222-3333-4444-8555-666666666666", "client_id": "tg:555"},
                "sender": {"id": "33333333-4444-4555-8666-777777777777"},
                "conversation": {
                    "id": "99999999-8888-4777-8666-555555555555",
                    "client_id": CONVERSATION,
                },
                "timestamp": at,
                "msec_timestamp": at * 1000 + 456,
                "message": {"id": message_id, "type": "text", "text": text},
            },
        }
    ).encode()


@pytest.fixture
def post(ports):
    """Post a body to the webhook and return the status."""

    async def send(body, *, scope=SCOPE_ID, headers=None):
        url = f"http://127.0.0.1:{ports[0]}/webhooks/kommo/{scope}"
        headers = {"X-Signature": signature(body)} if headers is None else headers
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=io.BytesIO(body), headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    return send


async def stored(bridge):
    """Return how many events the bridge has stored, in whatever state."""
    async with (
        Database.open(bridge.settings.database) as database,
        database.snapshot() as snapshot,
    ):
        return sum((await snapshot.to_telegram.counts()).values())


@pytest.mark.parametrize(
    ("body", "options", "expected"),
    [
        pytest.param(hook(), {"headers": {}}, 403, id="no-signature"),
        pytest.param(hook(), {"headers": {"X-Signature": ""}}, 403, id="empty-signature"),
        pytest.param(
            hook(),
            {"headers": {"X-Signature": signature(hook(), "0" * 40)}},
            403,
            id="another-secret",
        ),
        pytest.param(
            hook("changed"),
            {"headers": {"X-Signature": signature(hook())}},
            403,
            id="changed-body",
        ),
        pytest.param(hook(), {"scope": f"{CHANNEL_ID}_{CHANNEL_ID}"}, 403, id="foreign-account"),
        pytest.param(hook(), {"scope": ":scope_id"}, 403, id="marker-not-replaced"),
        pytest.param(b"not json", {}, 400, id="not-json"),
        pytest.param(b"[1, 2]", {}, 400, id="not-an-object"),
        pytest.param(b"\xff\xfe", {}, 400, id="not-text"),
        pytest.param(b"", {}, 400, id="nothing"),
        pytest.param(hook("x" * (1 << 20)), {}, 413, id="too-large"),
    ],
)
async def test_what_kommo_did_not_say_is_refused_and_not_stored(
    bridge, post, body, options, expected
):
    """Forged, foreign, broken and oversized bodies get their code, and leave no trace."""
    status, answer = await post(body, **options)
    assert status == expected
    assert SECRET not in answer
    assert await stored(bridge) == 0


async def test_a_repeated_webhook_is_answered_200_and_has_no_effect(
    bridge, post, telegram, eventually
):
    """The same hook twice reaches the client once."""
    telegram.client_says("hi")
    assert (await post(hook()))[0] == 200
    assert (await post(hook() + b"\n"))[0] == 200
    await eventually(lambda: telegram.texts_to(ANN) == ["Hello"])
    assert await stored(bridge) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"account_id": ACCOUNT_ID, "time": 1, "novelty": {"a": 1}}, id="unknown"),
        pytest.param({"message": "not an object"}, id="broken-message"),
        pytest.param({"account_id": ACCOUNT_ID, "action": {"dance": {}}}, id="unknown-action"),
    ],
)
async def test_an_unknown_kind_of_event_is_kept_and_answered_200(bridge, post, body):
    """What Kommo may invent is stored, and does not look like a failure to Kommo."""
    assert (await post(json.dumps(body).encode()))[0] == 200
    assert await stored(bridge) == 1


async def test_the_webhook_answers_at_once_while_telegram_hangs(
    bridge, post, telegram, eventually
):
    """A slow Telegram never makes Kommo wait: the answer comes from the disk."""
    telegram.client_says("hi")
    fault = telegram.faults.hang("sendMessage", times=None)
    await post(hook(message_id="00000000-0000-4000-8000-000000000001"))
    started = time.monotonic()
    status, _ = await post(hook("second", message_id="00000000-0000-4000-8000-000000000002"))
    assert (status, time.monotonic() - started < 2.0) == (200, True)
    telegram.faults.remove(fault)
    await eventually(lambda: telegram.texts_to(ANN) == ["Hello", "second"])


async def test_a_body_that_does_not_come_is_given_up(bridge, monkeypatch):
    """A slow sender is told so and holds nothing for long; nothing is stored."""
    monkeypatch.setattr(bodies, "BODY_S", 0.2)
    port = bridge.settings.listen.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /webhooks/kommo/{SCOPE_ID} HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n"
        f"X-Signature: {signature(b'')}\r\n\r\n"
    )
    writer.write(head.encode() + b'{"time": 1')
    async with asyncio.timeout(10):
        answer = await reader.readline()
    writer.close()
    assert answer.split(b" ")[1] == b"408"


DAY_S = 24 * 3600
REACTION = {"type": "react", "emoji": "👍", "msgid": MESSAGE, "conversation": {"id": "kommo"}}


def replayed(kind, age_s):
    """Return the body of a webhook of long ago."""
    at = int(time.time()) - age_s
    if kind == "message":
        return hook(age_s=age_s)
    if kind == "reaction":
        return json.dumps({"time": at, "action": {"reaction": REACTION}}).encode()
    legacy = {"receiver": "tg:555", "conversation_id": CONVERSATION, "text": "Hello"}
    return json.dumps({**legacy, "type": "text", "msec_timestamp": at * 1000}).encode()


async def states(bridge):
    """Return the items of the inbox: their states and why."""
    async with Database.open(bridge.settings.database) as database, database.snapshot() as found:
        items = await found.to_telegram.list_items(states=("pending", "done", "dead"), limit=10)
        return [(item.state, item.reason) for item in items]


@pytest.mark.parametrize("kind", ["message", "reaction", "legacy"])
async def test_a_webhook_older_than_the_memory_waits_for_a_person(bridge, telegram, post, kind):
    """Nobody knows any more whether it was delivered: it is kept, said so, and not sent."""
    status, _ = await post(replayed(kind, 31 * DAY_S))
    assert status == 200
    [(state, reason)] = await states(bridge)
    assert state == "dead"
    assert "longer ago than storage.keep_days" in reason
    assert telegram.texts_to(ANN) == []


@pytest.mark.parametrize(("age_s", "ahead_days"), [(29 * DAY_S, 0), (0, 60), (0, -60)])
async def test_what_is_remembered_or_only_seems_old_is_delivered(
    bridge, telegram, kommo, post, eventually, age_s, ahead_days
):
    """A late webhook is no repetition; and our clock may be wrong, as Kommo's answers tell."""
    telegram.client_says("hi")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["hi"])
    bridge.ahead = timedelta(days=ahead_days)
    await bridge.restart()
    await eventually(lambda: len(kommo.calls("connect")) == 2)
    assert (await post(hook(age_s=age_s)))[0] == 200
    await eventually(lambda: telegram.texts_to(ANN) == ["Hello"])
