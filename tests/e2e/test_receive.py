"""What comes from Telegram: unreadable updates, troubled bots, texts of every kind."""

import asyncio
import gzip
import json

import aiohttp
import pytest

from bot.receive import telegram_poll as polling
from bot.translate.incoming.unreadable import UNREADABLE
from storage.database import Database
from tests.e2e.conftest import BOT_ID, TOKEN

ANN = 555
CONVERSATION = "tg:700001:555"
SHOWN = f"{UNREADABLE}\nfrom the future"
OTHER_TOKEN = "700002:FAKE-TOKEN-FOR-TESTS-ONLY-0000000002"


def unreadable(text="from the future"):
    """Return a message whose file is nothing that anybody could fetch."""
    person = {"id": ANN, "is_bot": False, "first_name": "Ann"}
    return {
        "message": {
            "message_id": 900,
            "chat": {"id": ANN, "type": "private", "first_name": "Ann"},
            "from": person,
            "date": 1767348000,
            "photo": "some picture",
            "caption": text,
        }
    }


async def test_an_unreadable_update_is_parked_and_stops_nobody(
    bridge, telegram, kommo, eventually
):
    """An unreadable update shows as a placeholder with its words; what is around it arrives."""
    telegram.client_says("before")
    telegram.push(unreadable())
    telegram.client_says("after")
    await eventually(
        lambda: (
            CONVERSATION in kommo.conversations
            and sorted(kommo.texts_in(CONVERSATION)) == sorted(["before", SHOWN, "after"])
        )
    )
    async with (
        Database.open(bridge.settings.database) as database,
        database.snapshot() as snapshot,
    ):
        (parked,) = await snapshot.to_kommo.list_items(states=("dead",), limit=10)
    assert json.loads(parked.payload)["update"]["message"]["caption"] == "from the future"
    assert parked.conversation_id == CONVERSATION


@pytest.mark.parametrize(
    "update",
    [
        pytest.param({"message": {"text": "no chat"}}, id="no-chat"),
        pytest.param(
            {"message": {"chat": {"id": "x", "type": "private"}}}, id="chat-id-no-number"
        ),
        pytest.param({"message": {"chat": {"id": 1 << 80, "type": "private"}}}, id="chat-id-huge"),
        pytest.param({"message": None, "edited_message": 7}, id="not-an-object"),
        pytest.param(
            {
                "message": {
                    "message_id": 901,
                    "date": 10**18,
                    "chat": {"id": ANN, "type": "private"},
                    "from": {"id": ANN, "first_name": "\x00 control"},
                    "text": "\x00",
                }
            },
            id="controls-and-a-far-future",
        ),
        pytest.param(
            {
                "message": {
                    "message_id": 1 << 70,
                    "date": 1767348000,
                    "chat": {"id": ANN, "type": "private", "first_name": "Ann"},
                    "from": {"id": ANN, "is_bot": False, "first_name": "Ann"},
                    "text": "an id that no database can keep",
                }
            },
            id="message-id-huge",
        ),
        pytest.param({"update_id": None, "message": {}}, id="no-update-id"),
        pytest.param({"novelty": {"chat": {"id": ANN, "type": "private"}}}, id="unknown-kind"),
    ],
)
async def test_no_update_however_broken_stops_the_poll(
    bridge, telegram, kommo, eventually, update
):
    """Whatever Telegram sends, the next message still arrives."""
    telegram.push(update)
    telegram.client_says("still here")
    await eventually(
        lambda: (
            CONVERSATION in kommo.conversations and "still here" in kommo.texts_in(CONVERSATION)
        )
    )


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"message_id": "900"}, id="message-id-is-text"),
        pytest.param({"chat": {"id": "555", "type": "private"}}, id="chat-id-is-text"),
    ],
)
async def test_an_update_without_a_usable_id_shows_as_a_placeholder_too(
    bridge, telegram, kommo, eventually, wrong
):
    """The manager sees that there was something, whatever is wrong with its ids."""
    telegram.push({"message": unreadable()["message"] | wrong})
    await eventually(
        lambda: CONVERSATION in kommo.conversations and kommo.texts_in(CONVERSATION) == [SHOWN]
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Grüße, Привет, שלום, 你好", id="scripts"),
        pytest.param("👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪", id="emoji-sequences"),
        pytest.param("𝔘𝔫𝔦 𠜎 🜁", id="astral-planes"),
        pytest.param("tab\there\nand a new line", id="controls"),
        pytest.param("</b> {{x}} '; DROP TABLE inbox; --", id="looks-like-code"),
    ],
)
async def test_every_unicode_plane_crosses_both_ways(bridge, telegram, kommo, eventually, text):
    """What is written is what is read, in both directions."""
    telegram.client_says(text)
    await eventually(
        lambda: CONVERSATION in kommo.conversations and kommo.texts_in(CONVERSATION) == [text]
    )
    await kommo.manager_says(text, to=CONVERSATION)
    shown = text.replace("\t", " ")
    await eventually(lambda: telegram.texts_to(ANN) == [shown])


async def test_a_long_text_is_split_and_its_parts_are_in_order(
    bridge, telegram, kommo, eventually, ann
):
    """A text beyond Telegram's limit arrives whole, in parts of whole lines, with one status."""
    await ann.says("hi")
    lines = [f"line {number} 👍🏽 of a long text" for number in range(600)]
    message_id = await kommo.manager_says("\n".join(lines), to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert len(telegram.texts_to(ANN)) > 1
    assert "\n".join(telegram.texts_to(ANN)).splitlines() == lines


async def test_a_text_of_spaces_is_reported_and_does_not_stop_the_others(
    bridge, telegram, kommo, eventually, ann
):
    """Nothing that Telegram could show: the manager reads why, and the next message arrives."""
    await ann.says("hi")
    empty = await kommo.manager_says(" \n\t ", to=CONVERSATION)
    await kommo.manager_says("real", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["real"])
    await eventually(lambda: kommo.statuses_of(empty) == [-1])


async def test_an_edit_replaces_the_text_and_an_unchanged_one_is_none(
    bridge, telegram, kommo, eventually, ann
):
    """A client's correction is shown in place; an update that changes nothing is not."""
    message_id = await ann.says("Do you deliver?")
    telegram.client_edits(message_id, "Do you deliver?")
    telegram.client_edits(message_id, "Do you deliver on Sundays?")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Do you deliver on Sundays?"])
    assert len(kommo.edits) == 1


async def test_edits_within_a_second_end_as_the_last_one(bridge, telegram, kommo, eventually, ann):
    """A program may change a client's text to and fro: what it says in the end is shown."""
    message_id = await ann.says("off")
    for text in ("on", "off", "on"):
        telegram.client_edits(message_id, text)
    await eventually(lambda: len(kommo.edits) == 3)
    assert kommo.texts_in(CONVERSATION) == ["on"]


@pytest.fixture
def two_bots(telegram, config):
    """A second bot beside the first."""
    telegram.add_bot(OTHER_TOKEN, name="Support", username="support_bot")
    text = config.read_text(encoding="utf-8")
    first = f'token = "{TOKEN}"'
    config.write_text(
        text.replace(
            first,
            f'{first}\nsource = "sales"\n[[telegram.bots]]\ntoken = "{OTHER_TOKEN}"\n'
            'source = "support"',
        ),
        encoding="utf-8",
    )


async def test_a_revoked_token_stops_only_its_own_bot(
    two_bots, telegram, bridge, kommo, ports, eventually, caplog
):
    """The other bot's clients notice nothing, the log and the health page say what to do."""
    telegram.revoke(BOT_ID)
    telegram.client_says("hi", bot=700002)
    await eventually(lambda: "tg:700002:555" in kommo.conversations)
    telegram.client_says("and again", bot=700002)
    await eventually(lambda: kommo.texts_in("tg:700002:555") == ["hi", "and again"])
    await eventually(lambda: "@BotFather" in caplog.text)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{ports[1]}/healthz") as answer,
    ):
        health = await answer.json()
    assert (answer.status, health["status"]) == (200, "ok")
    assert "BotFather" in health["bots"]["700001"]["problem"]


async def test_a_second_poller_is_named_and_stops_only_its_own_bot(
    two_bots, telegram, bridge, kommo, eventually, caplog
):
    """Another program on the same bot is an alarm, not noise; the other bot goes on."""
    await eventually(lambda: telegram.bot(BOT_ID).poll is not None)
    url = f"{telegram.url}/bot{TOKEN}/getUpdates?timeout=1"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
    await eventually(lambda: "another program polls this bot" in caplog.text)
    telegram.client_says("hi", bot=700002)
    await eventually(lambda: "tg:700002:555" in kommo.conversations)


async def test_a_webhook_that_is_set_meanwhile_is_named_and_removed(
    telegram, bridge, kommo, eventually, caplog
):
    """Polling goes on by itself once another program that wanted the updates was there."""
    await eventually(lambda: telegram.bot(BOT_ID).poll is not None)
    url = f"{telegram.url}/bot{TOKEN}/setWebhook?url=https://other.example.com/hook"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
    await eventually(lambda: "set a webhook on this bot" in caplog.text)
    assert "another program polls this bot" not in caplog.text
    telegram.client_says("hi")
    await eventually(lambda: kommo.texts_in("tg:700001:555") == ["hi"])
    assert telegram.bot(BOT_ID).webhook_url == ""


@pytest.fixture
def left_webhook(telegram):
    """A webhook that another program has set, and a message that waits."""
    telegram.bot(BOT_ID).webhook_url = "https://old.example.com/hook"
    telegram.client_says("waited")


async def test_a_webhook_left_over_is_removed_and_nothing_is_dropped(
    telegram, left_webhook, bridge, kommo, eventually
):
    """A bot that had a webhook is polled after the start, with all that waited."""
    await eventually(
        lambda: CONVERSATION in kommo.conversations and kommo.texts_in(CONVERSATION) == ["waited"]
    )


ANSWERS = {
    "latin-1": {"status": 502, "body": "<h1>Serviço indisponível</h1>".encode("latin-1")},
    "utf-16": {"status": 503, "body": "<h1>Wartung</h1>".encode("utf-16")},
    "unknown-charset": {
        "status": 502,
        "body": b"\xff\xfe",
        "headers": {"Content-Type": "text/html; charset=nonsense"},
    },
    "bare-500": {"status": 500, "body": {"ok": False}},
    "bare-200": {"status": 200, "body": {"ok": False}},
    "bare-401": {"status": 401, "body": {"ok": False}},
    "bare-409": {"status": 409, "body": {"ok": False}},
    "teapot": {"status": 418, "body": {"ok": False, "error_code": 418}},
    "payment": {"status": 402, "body": {"ok": False, "description": "Payment Required"}},
    "description-number": {"status": 400, "body": {"ok": False, "description": 5}},
    "parameters-list": {"status": 429, "body": {"ok": False, "parameters": [1]}},
    "retry-after-text": {"status": 429, "body": {"ok": False, "parameters": {"retry_after": "1"}}},
    "retry-after-endless": {
        "status": 429,
        "body": {"ok": False, "parameters": {"retry_after": 10**400}},
    },
    "retry-after-negative": {
        "status": 429,
        "body": {"ok": False, "parameters": {"retry_after": -5}},
    },
    "retry-after-header-endless": {
        "status": 429,
        "body": b"",
        "headers": {"Retry-After": "9" * 400},
    },
    "retry-after-header-longer": {
        "status": 429,
        "body": b"",
        "headers": {"Retry-After": "9" * 5000},
    },
    "flood-page": {"status": 429, "body": "<h1>slow down</h1>", "retry_after": 1},
    "page-200": {"status": 200, "body": "<h1>It works!</h1>"},
    "page-404": {"status": 404, "body": "<h1>Not Found</h1>"},
    "empty-200": {"status": 200, "body": b""},
    "number": {"status": 200, "body": b"5"},
    "list": {"status": 200, "body": b"[]"},
    "null": {"status": 200, "body": b"null"},
    "deep": {"status": 200, "body": b"[" * 100_000},
    "result-text": {"status": 200, "body": {"ok": True, "result": "none"}},
    "result-null": {"status": 200, "body": {"ok": True, "result": None}},
    "no-result": {"status": 200, "body": {"ok": True}},
    "no-objects": {"status": 200, "body": {"ok": True, "result": [1, None, "x", []]}},
    "no-number": {"status": 200, "body": {"ok": True, "result": [{"update_id": "x"}]}},
    "redirect": {"status": 302, "body": b"", "headers": {"Location": "http://127.0.0.1:1/"}},
    "not-gzip": {"status": 200, "body": b"no gzip", "headers": {"Content-Encoding": "gzip"}},
    "odd-encoding": {"status": 200, "body": b"x", "headers": {"Content-Encoding": "odd"}},
    "bomb": {
        "status": 200,
        "body": gzip.compress(bytes(80 << 20)),
        "headers": {"Content-Encoding": "gzip"},
    },
}


def _says_yes(answer):
    return isinstance(answer["body"], dict) and answer["body"]["ok"]


@pytest.mark.parametrize("call", ["getUpdates", "deleteWebhook"])
async def test_whatever_is_answered_the_bot_goes_on(
    bridge, telegram, kommo, eventually, call, caplog, monkeypatch
):
    """No answer of a server or of a proxy before it ends a poll, let alone the service."""
    for pause in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S", "REVOKED_PAUSE_S", "CONFLICT_PAUSE_S"):
        monkeypatch.setattr(polling, pause, 0.01)
    monkeypatch.setattr(polling, "LONGEST_ASKED_S", 0.01)
    answers = [each for each in ANSWERS.values() if call == "getUpdates" or not _says_yes(each)]
    hits = [telegram.faults.fail(call, **answer) for answer in answers]
    if call == "deleteWebhook":
        await bridge.restart()
        telegram.client_says("Good morning")
    else:
        telegram.client_says("Good morning")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Good morning"], within_s=60)
    assert [hit.hits for hit in hits] == [1] * len(hits)
    assert "Traceback" not in caplog.text


async def test_an_answer_to_an_impossible_message_crosses(
    bridge, telegram, kommo, eventually, ann
):
    """Words are not lost because of the number of what they answer."""
    chat = {"id": ANN, "type": "private", "first_name": "Ann"}
    message = {"message_id": 7, "date": 1767348000, "chat": chat, "text": "words"}
    telegram.push({"message": {**message, "reply_to_message": {**message, "message_id": 1 << 70}}})
    await ann.says("after")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["words", "after"], within_s=10)


@pytest.mark.parametrize("coding", ["deflate", "br", "gzip"])
async def test_an_answer_that_cannot_be_unpacked_does_not_tell_the_token(
    bridge, telegram, ports, eventually, coding
):
    """What the HTTP client says of it names the address; health and its page tell anybody."""
    telegram.faults.fail(
        "getUpdates", body=b"x", status=200, headers={"Content-Encoding": coding}, times=None
    )
    telegram.client_says("Good morning")
    url, told = f"http://127.0.0.1:{ports[1]}", ""
    async with aiohttp.ClientSession() as http:
        async with asyncio.timeout(20):
            while "Telegram" not in told:
                async with http.get(f"{url}/healthz") as answer:
                    told = await answer.text()
                await asyncio.sleep(0.05)
        async with http.get(url) as answer:
            told += await answer.text()
    assert TOKEN.partition(":")[2] not in told


@pytest.mark.parametrize("call", ["getUpdates", "deleteWebhook"])
async def test_an_answer_without_an_end_is_given_up(
    bridge, telegram, kommo, eventually, call, monkeypatch
):
    """A server that sends a byte now and then is asked again when its time is over."""
    monkeypatch.setattr(polling, "MARGIN_S", 1)
    monkeypatch.setattr(polling, "FIRST_PAUSE_S", 0.01)
    await bridge.stop()
    endless = telegram.faults.drip(call, times=2)
    await bridge.start()
    telegram.client_says("Good morning")
    await eventually(lambda: CONVERSATION in kommo.conversations, within_s=10)
    assert endless.hits == 2


async def test_a_server_that_does_not_wait_is_not_asked_without_a_pause(bridge, telegram):
    """A long poll that is answered at once, with nothing, does not become a flood of polls."""
    telegram.client_says("wakes the poll that waits")
    nothing = telegram.faults.fail(
        "getUpdates", status=200, body={"ok": True, "result": []}, times=None
    )
    await asyncio.sleep(1)
    assert nothing.hits < 10
