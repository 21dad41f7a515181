"""The page's counter: it finds what is lost, doubled and out of order, by itself."""

import json

import pytest

from sandbox.kommo.messages import send
from sandbox.kommo.model import Channel, Hook
from sandbox.kommo.server import KommoServer
from sandbox.page.ledger import ledger_of, place_of
from sandbox.page.told import Told
from sandbox.telegram.files import StoredFile
from sandbox.telegram.model import SentMessage
from sandbox.telegram.server import TelegramServer

BOT, ANN = 700001, 555
CONVERSATION = f"tg:{BOT}:{ANN}"
LATER_MS = 1 << 50
LONG_S = 3600.0


@pytest.fixture
def telegram():
    """A Telegram with one bot and one client who wrote once."""
    server = TelegramServer()
    server.add_bot(f"{BOT}:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001")
    server.client_says("first")
    return server


@pytest.fixture
def kommo():
    """A Kommo that nobody has told anything."""
    server = KommoServer(Channel("channel", "fa4e" * 10, "account"))
    server._media.base_url = "http://127.0.0.1:1"
    return server


@pytest.fixture
def arrives(kommo):
    """Let a client's message arrive in Kommo, under some id."""

    def arrive(msgid, text="text"):
        seconds, msec = kommo.account.moment()
        payload = {
            "timestamp": seconds,
            "msec_timestamp": msec,
            "msgid": msgid,
            "conversation_id": CONVERSATION,
            "sender": {"id": f"tg:{ANN}", "name": "Ann"},
            "message": {"type": "text", "text": text},
            "silent": False,
        }
        send(kommo.account, "", {"event_type": "new_message", "payload": payload})

    return arrive


@pytest.fixture
def answers(kommo):
    """Let a manager answer; nobody is told."""

    async def answer(text="", **content):
        return await kommo.manager_sends(text=text, to=CONVERSATION, hook=False, **content)

    return answer


@pytest.fixture
def shows(telegram):
    """Let the bot show a message."""

    def show(text="", file=None):
        number = len(telegram.sent) + 1
        telegram.sent.append(
            SentMessage(
                method="sendMessage",
                bot_id=BOT,
                chat_id=ANN,
                message_id=number,
                text=text,
                parameters={},
                files={} if file is None else {"document": StoredFile("a", len(file), file)},
                reply_markup=None,
                reply_to=None,
                media_group_id=None,
                at=0.0,
            )
        )

    return show


@pytest.fixture
def count(telegram, kommo):
    """Return the counter: crossed, waiting, lost, doubled, out of order."""

    def count(*, calm_s=LONG_S, told=()):
        found = ledger_of(telegram, kommo).count(calm_s=calm_s, now_ms=LATER_MS, told=told)
        return found.crossed, found.waiting, found.lost, found.doubled, found.out_of_order

    return count


def test_what_has_not_arrived_waits_and_then_is_lost(count):
    """A message is lost only when nothing stands in its way any more."""
    assert count(calm_s=0) == (0, 1, 0, 0, 0)
    assert count() == (0, 0, 1, 0, 0)


async def test_whose_webhook_never_came_waits_for_the_history(count, arrives, answers):
    """The bridge reads it back within five minutes; until then it is on its way."""
    arrives(f"{CONVERSATION}:1")
    untold, told = await answers("nobody was told"), await answers("the bridge was told")
    assert count(calm_s=60, told=[told]) == (1, 1, 1, 0, 0)
    assert count(calm_s=60, told=[told, untold]) == (1, 0, 2, 0, 0)
    assert count(told=[told]) == (1, 0, 2, 0, 0)


async def test_a_webhook_that_was_refused_told_nothing(kommo):
    """Kommo posts it once; only 200 says that the bridge has it."""
    told = Told(kommo.hooks)
    for message_id, status in (("taken", 200), ("refused", 503), ("unanswered", None)):
        sent = json.dumps({"message": {"message": {"id": message_id}}}).encode()
        kommo.hooks.append(Hook("url", sent, status, b"", 0.0))
    kommo.hooks.append(Hook("url", b'{"action": {"typing": {}}}', 200, b"", 0.0))
    assert [one in told for one in ("taken", "refused", "unanswered")] == [True, False, False]


def test_what_arrived_is_not_lost(count, arrives):
    """Kommo has the message under an id that names it."""
    arrives(f"{CONVERSATION}:1")
    assert count() == (1, 0, 0, 0, 0)


def test_two_parts_are_not_doubled(count, arrives):
    """One message of Telegram may be two in Kommo."""
    arrives(f"{CONVERSATION}:1")
    arrives(f"{CONVERSATION}:1:2")
    assert count() == (1, 0, 0, 0, 0)


def test_a_message_under_two_ids_is_doubled(count, arrives):
    """Whatever precedes the numbers."""
    arrives(f"{CONVERSATION}:1")
    arrives(f"x:{BOT}:{ANN}:1")
    assert count() == (1, 0, 0, 1, 0)


def test_order_of_clients_messages(telegram, count, arrives):
    """What overtook another is out of order, in one conversation."""
    telegram.client_says("second")
    arrives(f"{CONVERSATION}:2")
    arrives(f"{CONVERSATION}:1")
    assert count() == (2, 0, 0, 0, 1)


async def test_an_answer_in_parts(count, arrives, answers, shows):
    """A long text that was cut is one message; a part of it again is a double."""
    arrives(f"{CONVERSATION}:1")
    await answers("word " * 1000)
    shows("word " * 600)
    shows("word " * 400)
    assert count() == (2, 0, 0, 0, 0)
    shows("word " * 400)
    assert count() == (2, 0, 0, 1, 0)


async def test_an_answer_twice(count, arrives, answers, shows):
    """The same text written twice is two messages; a third one is a double."""
    arrives(f"{CONVERSATION}:1")
    await answers("ok")
    await answers("ok")
    shows("ok")
    assert count() == (2, 0, 1, 0, 0)
    shows("ok")
    assert count() == (3, 0, 0, 0, 0)
    shows("ok")
    assert count() == (3, 0, 0, 1, 0)


async def test_order_of_answers(count, arrives, answers, shows):
    """An answer that overtook another is out of order."""
    arrives(f"{CONVERSATION}:1")
    await answers("one")
    await answers("two")
    shows("two")
    shows("one")
    assert count() == (3, 0, 0, 0, 1)


async def test_files_are_known_by_their_bytes(kommo, count, arrives, answers, shows):
    """A file without a caption counts as much as a text."""
    arrives(f"{CONVERSATION}:1")
    await answers(type="file", media=kommo.add_attachment(b"report", "report.pdf"))
    shows(file=b"another")
    assert count() == (1, 0, 1, 0, 0)
    shows(file=b"report")
    shows(file=b"report")
    assert count() == (2, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("msgid", "place"),
    [
        pytest.param("tg:1:5:42", ((1, 0, 5, 42), 1), id="plain"),
        pytest.param("tg:1:5:42:2", ((1, 0, 5, 42), 2), id="second part"),
        pytest.param("tg:1.9:5:42", ((1, 9, 5, 42), 1), id="business"),
        pytest.param("tg:1:5:press:9", ((), 1), id="no message"),
    ],
)
def test_the_numbers_of_an_id(msgid, place):
    """Bot, account, chat and message are in an id; a press has no message."""
    assert place_of(msgid) == place
