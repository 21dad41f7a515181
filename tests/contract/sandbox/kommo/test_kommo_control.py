"""Driving Kommo from outside: curl, other processes, faults, and stopping."""

import asyncio
import json
import signal
import sys
from time import perf_counter

import aiohttp
import pytest

from sandbox.kommo.model import Channel
from sandbox.kommo.server import KommoServer

CHANNEL = "11111111-2222-4333-8444-555555555555"
ACCOUNT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SCOPE = f"{CHANNEL}_{ACCOUNT}"
CONVERSATION = "tg:700001:555"


@pytest.fixture
def control(http, kommo):
    """Call a control route; returns status and answer."""

    async def call(method, path, **options):
        async with http.request(method, f"{kommo.url}/sandbox/{path}", **options) as answer:
            return answer.status, await answer.json()

    return call


async def test_a_person_can_answer_with_curl(integration, kommo, control, receiver):
    """A plain text goes to the conversation that was last active, JSON wherever it says."""
    await integration.send("hello")
    status, answer = await control("POST", "manager/says", data="hi there")
    assert (status, answer["hook_status"]) == (200, 200)
    fields = {"text": "again", "to": CONVERSATION, "hook": False}
    _, lost = await control("POST", "manager/says", json=fields)
    assert lost["hook_status"] is None
    await integration.status(answer["kommo_message_id"], status_code=1)
    _, (conversation,) = await control("GET", "conversations")
    assert (conversation["conversation_id"], conversation["name"]) == (CONVERSATION, "Zoë")
    shown = [(one["from"], one["text"], one["statuses"]) for one in conversation["messages"]]
    assert shown == [("Zoë", "hello", []), ("Manager", "hi there", [1]), ("Manager", "again", [])]


async def test_everything_a_manager_does_has_a_route(integration, kommo, control, receiver):
    """Files, typing, reactions and writing first work from another process, too."""
    await integration.send("hello")
    _, file = await control("POST", "attachments/plan.png", data=b"png")
    fields = {"type": "picture", "media": file["url"]}
    assert (await control("POST", "manager/sends", json=fields))[1]["hook_status"] == 200
    assert (await control("POST", "manager/types"))[1] == {"hook_status": 200}
    fields = {"message": f"{CONVERSATION}:1", "emoji": "👍"}
    assert (await control("POST", "manager/reacts", json=fields))[0] == 200
    fields = {"phone": "+1", "text": "Hello"}
    assert (await control("POST", "manager/writes_first", json=fields))[0] == 200
    assert (await control("POST", "hook-url", data="http://127.0.0.1:9/"))[0] == 200
    assert kommo.hook_url == "http://127.0.0.1:9/"
    _, summary = await control("GET", "summary")
    assert (summary["received"], summary["hooks"], summary["hooks_accepted"]) == (1, 4, 4)
    assert (summary["rejected"], summary["leads"], summary["conversations"]) == ([], 1, 2)


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        pytest.param("manager/says", "hello", 404, id="nobody-wrote"),
        pytest.param("manager/says", '{"to": "nobody", "text": "x"}', 404, id="unknown-chat"),
        pytest.param("manager/says", "", 400, id="no-text"),
        pytest.param("manager/dances", "", 404, id="unknown-action"),
    ],
)
async def test_wrong_usage_is_explained(control, path, data, expected):
    """Who drives the sandbox wrongly is told what is wrong."""
    status, answer = await control("POST", path, data=data)
    assert (status, bool(answer["error"])) == (expected, True)


async def test_the_next_answers_fail_as_told(integration, kommo):
    """Kommo fails with the given statuses, without carrying anything out, then works again."""
    kommo.fail_with(500, 503)
    assert [(await integration.send())[0] for _ in range(3)] == [500, 503, 200]
    assert len(kommo.received) == 1


async def test_faults_are_aimed_at_a_call_or_a_conversation(integration, kommo):
    """One call, one conversation or one kind of event fails; the others do not."""
    kommo.faults.fail("*/delivery_status", status=503)
    kommo.faults.fail(chat_id="tg:1:1", status=429, retry_after=2)
    kommo.faults.fail(where=lambda call: call.fields.get("event_type") == "edit_message")
    assert (await integration.send())[0] == 200
    assert (await integration.send(conversation_id="tg:1:1"))[0] == 429
    assert (await integration.event("edit_message", {}))[0] == 500
    assert (await integration.status("unknown", status_code=1))[0] == 503
    assert (await integration.call("POST", SCOPE, b"[]"))[0] == 400
    kommo.faults.fail("/nothing")
    assert (await integration.call("POST", SCOPE, b'{"payload":1}'))[0] == 400


async def test_an_answer_may_be_lost_after_processing(integration, kommo):
    """What was carried out, but never answered, is known when it comes again."""
    kommo.faults.reset(after_processing=True)
    with pytest.raises(aiohttp.ClientError):
        await integration.send("once", msgid="same")
    assert (await integration.send("once", msgid="same"))[0] == 400
    assert (kommo.texts_in(CONVERSATION), kommo.repeated) == (["once"], 1)


async def test_rest_and_files_fail_as_told(http, kommo):
    """Faults reach every part of Kommo."""
    url = kommo.add_attachment(b"x", "x.png")
    kommo.fail_with(503, 503)
    for address in (url, f"{kommo.url}/api/v4/account"):
        async with http.get(address) as answer:
            assert answer.status == 503


async def test_stopping_is_quick(http, clock):
    """Kommo stops at once, even while calls and fetches hang."""
    async with KommoServer.start(Channel(CHANNEL, "s", ACCOUNT), now=clock) as kommo:
        kommo.faults.hang()
        url = f"{kommo.url}/v2/origin/custom/{CHANNEL}/connect"
        hanging = asyncio.create_task(http.post(url, data=b"{}"))
        await asyncio.sleep(0.05)
        started = perf_counter()
    assert perf_counter() - started < 1
    with pytest.raises(aiohttp.ClientError):
        await hanging


async def test_the_sandbox_runs_as_a_process(http):
    """`python -m sandbox` says where both servers are, and stops when told to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--connected", "--secret", "s"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        addresses = json.loads(await process.stdout.readline())
    async with http.get(f"{addresses['kommo']}/sandbox/summary") as answer:
        assert (await answer.json())["is_connected"] is True
    async with http.get(f"{addresses['telegram']}/bot700001:wrong/getMe") as answer:
        assert answer.status == 401
    assert addresses["scope_id"] == SCOPE
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0
