"""When a side is down, slow, or answers nonsense: nothing lost, and the manager knows."""

import asyncio

import aiohttp
import pytest

from bot.deliver.telegram.destination import ToTelegram
from storage.database import Database
from tests.e2e.conftest import TOKEN

ANN, BOB = 555, 556
CONVERSATION = "tg:700001:555"
ROOT = "/v2/origin/custom"


@pytest.fixture
def impatient(config):
    """Settings that give up after a second and a half towards Telegram."""
    text = config.read_text(encoding="utf-8")
    config.write_text(text + "\n[delivery]\ntelegram_give_up_min = 0.025\n", encoding="utf-8")


async def test_what_kommo_missed_while_it_was_down_arrives_in_order(
    bridge, telegram, kommo, eventually
):
    """An outage of Kommo delays messages, and nothing else."""
    kommo.is_down = True
    texts = [f"message {number}" for number in range(10)]
    for text in texts:
        telegram.client_says(text)
    await eventually(lambda: len(telegram.confirmed()) == len(texts))
    kommo.is_down = False
    await eventually(
        lambda: CONVERSATION in kommo.conversations and kommo.texts_in(CONVERSATION) == texts,
        within_s=30,
    )


@pytest.mark.parametrize("kommo", ["refuse", "accept"], indirect=True)
async def test_a_lost_answer_of_kommo_doubles_nothing(bridge, telegram, kommo, eventually, ann):
    """Kommo took the message but its answer was lost: the retry is recognised."""
    await ann.says("before")
    kommo.faults.reset("/v2/origin/custom/*", after_processing=True)
    telegram.client_says("once")
    await eventually(lambda: kommo.repeated == 1, within_s=30)
    telegram.client_says("after")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["before", "once", "after"])
    async with (
        Database.open(bridge.settings.database) as database,
        database.snapshot() as snapshot,
    ):
        assert (await snapshot.to_kommo.counts()).get("dead", 0) == 0


@pytest.mark.parametrize("status", [400, 422])
async def test_what_kommo_refuses_for_good_is_dead_and_stops_nobody(
    bridge, telegram, kommo, eventually, status, ann
):
    """A message that Kommo refuses waits for a person; the conversation goes on."""
    await ann.says("first")
    kommo.fail_with(status)
    telegram.client_says("refused")
    telegram.client_says("taken")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["first", "taken"])


@pytest.mark.parametrize("status", [403, 404, 429, 500, 502, 503])
async def test_what_says_nothing_about_the_message_is_tried_again(
    bridge, telegram, kommo, eventually, status, ann
):
    """Trouble with the channel, the rate or the server costs time, not messages."""
    await ann.says("first")
    kommo.fail_with(status)
    telegram.client_says("second")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["first", "second"], within_s=20)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("kommo", ["refuse", "accept"], indirect=True)
async def test_a_page_in_the_place_of_kommos_answer_proves_nothing(
    bridge, telegram, kommo, eventually, status, ann
):
    """A proxy's page with a 200 is no success of any call: each is made again, nothing is lost."""
    edited = await ann.says("importnat")
    answer = await kommo.manager_says("hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    for path in (f"{ROOT}/*/delivery_status", f"{ROOT}/*/react", ROOT, ROOT):
        kommo.faults.html(path, status=status)
    telegram.client_edits(edited, "important")
    telegram.client_reacts(telegram.sent_to(ANN)[0].message_id, "👍")
    telegram.client_says("after")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[::2] == ["important", "after"])
    await eventually(lambda: kommo.statuses_of(answer) == [1, 2] and len(kommo.reactions) == 1)
    assert not list(kommo.faults)


async def test_telegram_answering_nonsense_costs_time_only(
    bridge, telegram, kommo, eventually, ann
):
    """Error pages, floods and broken connections of Telegram delay an answer, in order."""
    await ann.says("hi")
    telegram.faults.html("sendMessage")
    telegram.faults.fail("sendMessage", status=429, retry_after=1)
    telegram.faults.reset("sendMessage")
    first = await kommo.manager_says("first", to=CONVERSATION)
    second = await kommo.manager_says("second", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["first", "second"], within_s=40)
    await eventually(lambda: kommo.statuses_of(first) == kommo.statuses_of(second) == [1])


async def test_an_answer_that_takes_too_long_is_given_up_and_the_manager_knows(
    impatient, bridge, telegram, kommo, eventually, ann
):
    """After the time that the settings give, the manager reads that the client got nothing."""
    await ann.says("hi")
    fault = telegram.faults.fail("sendMessage", status=500, times=None)
    message_id = await kommo.manager_says("never", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1], within_s=30)
    status = next(m for m in kommo.messages_in(CONVERSATION) if m.id == message_id).statuses[-1]
    assert (status.error_code, bool(status.error)) == (903, True)
    telegram.faults.remove(fault)
    await kommo.manager_says("later", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["later"])


async def test_one_client_whose_sends_hang_holds_up_nobody_else(
    bridge, telegram, kommo, eventually
):
    """Conversations are delivered side by side: the bot's next send waits for a moment only."""
    bridge.options["hold_s"] = 0.5
    await bridge.restart()
    telegram.client_says("hi")
    telegram.client_says("hi", chat_id=BOB, name="Bob")
    await eventually(lambda: len(kommo.conversations) == 2)
    fault = telegram.faults.hang("sendMessage", chat_id=ANN, times=None)
    await kommo.manager_says("for Ann", to=CONVERSATION)
    await kommo.manager_says("for Bob", to="tg:700001:556")
    await eventually(lambda: telegram.texts_to(BOB) == ["for Bob"])
    assert telegram.texts_to(ANN) == []
    telegram.faults.remove(fault)
    await eventually(lambda: telegram.texts_to(ANN) == ["for Ann"])


async def test_what_is_dropped_while_it_is_sent_is_not_overtaken(
    bridge, telegram, kommo, command, eventually
):
    """The next message waits for the attempt; what Telegram took has its true status."""
    telegram.client_says("hi")
    telegram.client_says("hi", chat_id=BOB, name="Bob")
    await eventually(lambda: len(kommo.conversations) == 2)
    held = telegram.faults.hang("sendMessage")
    first = await kommo.manager_says("first", to=CONVERSATION)
    second = await kommo.manager_says("second", to=CONVERSATION)
    await eventually(lambda: held.hits == 1)
    code, _output, _errors = await command("queue", "drop", "outgoing-1", "--yes")
    assert code == 0
    await kommo.manager_says("for Bob", to="tg:700001:556")  # so that the queue is looked at
    await asyncio.sleep(0.5)
    assert telegram.texts_to(ANN) == []
    held.release()
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert telegram.texts_to(ANN) == ["first", "second"]
    assert kommo.statuses_of(first) == [1]


async def test_a_conversation_of_a_bot_that_is_gone_is_reported(
    bridge, telegram, kommo, config, eventually, ann
):
    """The manager reads that this bot is not set up any more, with Kommo's code for it."""
    await ann.says("hi")
    await bridge.stop()
    other = "700002:FAKE-TOKEN-FOR-TESTS-ONLY-0000000002"
    telegram.add_bot(other, name="Other", username="other_bot")
    config.write_text(config.read_text(encoding="utf-8").replace(TOKEN, other), encoding="utf-8")
    await bridge.start()
    message_id = await kommo.manager_says("hello?", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    (message,) = [m for m in kommo.messages_in(CONVERSATION) if m.id == message_id]
    assert message.statuses[-1].error_code == 902


async def test_the_end_of_an_outage_of_telegram_is_told_at_once(
    bridge, telegram, ports, eventually
):
    """Health names the outage, and is well again within five seconds, not after a long poll."""
    statuses = []

    async def health():
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{ports[1]}/healthz") as answer,
        ):
            statuses.append(answer.status)
            return answer.status

    async def until(status, within_s):
        async with asyncio.timeout(within_s):
            while await health() != status:  # noqa: ASYNC110 - another program's state
                await asyncio.sleep(0.05)

    await until(200, within_s=5)
    fault = telegram.faults.fail("getUpdates", status=502, times=None)
    telegram.client_says("hi")  # ends the poll that waits
    await until(503, within_s=5)
    telegram.faults.remove(fault)
    await until(200, within_s=5)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param(413, 905, id="too-large"),
        pytest.param(403, 904, id="forbidden"),
    ],
)
async def test_the_status_of_a_page_decides(
    bridge, telegram, kommo, eventually, status, told, ann
):
    """A refusal in HTML is a refusal: the manager learns it at once, and nothing is sent again."""
    await ann.says("hi")
    hit = telegram.faults.html("sendDocument", status=status, times=None)
    link = kommo.add_attachment(b"%PDF-1.4" + bytes(400_000), "offer.pdf")
    message_id = await kommo.manager_sends(type="file", media=link, to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1], within_s=10)
    (message,) = [m for m in kommo.messages_in(CONVERSATION) if m.id == message_id]
    assert message.statuses[-1].error_code == told
    assert hit.hits == 1


@pytest.mark.parametrize("status", [302, 400, 402, 406, 418, 502])
async def test_a_page_that_says_nothing_of_the_message_costs_time_only(
    bridge, telegram, kommo, eventually, status, ann
):
    """What a proxy answers in Telegram's place is no verdict on the message."""
    await ann.says("hi")
    telegram.faults.html("sendMessage", status=status)
    message_id = await kommo.manager_says("Good morning", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert telegram.texts_to(ANN) == ["Good morning"]


async def test_an_upload_without_an_answer_is_sent_twice_at_most(
    bridge, telegram, kommo, eventually, ann
):
    """A gateway that gave up waiting may have passed the file on: a person decides after two."""
    await ann.says("hi")
    telegram.faults.html("sendDocument", status=504, times=None, after_processing=True)
    link = kommo.add_attachment(b"%PDF-1.4", "offer.pdf")
    message_id = await kommo.manager_sends(type="file", media=link, to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1], within_s=20)
    assert len(telegram.sent_to(ANN)) == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(400, "Bad Request: Logged out", id="moving-to-another-server"),
        pytest.param(400, "Bad Request: Unauthorized", id="unauthorized-as-400"),
        pytest.param(401, "Unauthorized", id="unauthorized"),
        pytest.param(409, "Conflict: terminated by other getUpdates request", id="conflict"),
    ],
)
async def test_a_refusal_of_the_bot_is_none_of_the_message(
    bridge, telegram, kommo, eventually, status, words, ann
):
    """The answer waits until the bot may be used again; nothing is told as failed."""
    await ann.says("hi")
    body = {"ok": False, "error_code": status, "description": words}
    fault = telegram.faults.fail("sendMessage", status=status, body=body)
    message_id = await kommo.manager_says("Good morning", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert fault.hits == 1
    assert telegram.texts_to(ANN) == ["Good morning"]


async def test_the_health_of_a_bot_that_is_refused_says_why(bridge, telegram, ports, eventually):
    """A bot that is logged out during a move between servers is named, and well afterwards."""
    body = {"ok": False, "error_code": 400, "description": "Bad Request: Logged out"}
    fault = telegram.faults.fail("getUpdates", status=400, body=body, times=None)
    telegram.client_says("hi")  # ends the poll that waits
    async with aiohttp.ClientSession() as http, asyncio.timeout(10):
        words = ""
        while "Logged out" not in words:
            async with http.get(f"http://127.0.0.1:{ports[1]}/healthz") as answer:
                words = await answer.text()
            await asyncio.sleep(0.05)
    assert fault.hits > 0


@pytest.mark.parametrize("is_refused", [False, True], ids=["delivered", "refused"])
async def test_an_error_of_ours_at_the_end_of_a_delivery_ends_nothing(
    bridge, telegram, kommo, eventually, monkeypatch, is_refused, ann
):
    """The item ends, is not sent again, and holds up neither its conversation nor the service."""
    await ann.says("hi")
    settle, failures = ToTelegram.settle, list[int]()

    async def fails_once(self, tx, item, outcome):
        if not failures:
            failures.append(item.id)
            raise ZeroDivisionError
        await settle(self, tx, item, outcome)

    monkeypatch.setattr(ToTelegram, "settle", fails_once)
    if is_refused:
        refusal = {"ok": False, "error_code": 400, "description": "Bad Request: no"}
        telegram.faults.fail("sendMessage", status=400, body=refusal)
    await kommo.manager_says("first", to=CONVERSATION)
    await eventually(lambda: failures)
    second = await kommo.manager_says("second", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert telegram.texts_to(ANN) == (["second"] if is_refused else ["first", "second"])
    async with (
        Database.open(bridge.settings.database) as database,
        database.snapshot() as snapshot,
    ):
        assert (await snapshot.to_telegram.counts())["dead"] == int(is_refused)
