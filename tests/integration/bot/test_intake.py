"""What the poll does with an update that fails only while it is stored."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiogram import Bot

from bot.background import Background
from bot.health import BotHealth, Health
from bot.operate.dead_items import Dropping
from bot.operate.operators.actions import Actions
from bot.operate.operators.chat import PRESSES, OperatorChat
from bot.operate.operators.known_chats import OperatorsChats
from bot.operate.operators.messenger import Messenger
from bot.operate.operators.orders import Orders
from bot.queue.items import Lifetimes
from bot.receive.business import Connections
from bot.receive.client_messages import IntakeSettings
from bot.receive.new_clients import PeopleSettings
from bot.receive.telegram_poll import Poller
from bot.receive.telegram_updates import Intake
from bot.translate.incoming.unreadable import UNREADABLE
from kommo.models import NewMessage
from storage.database import Database

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BOT_ID = 700001
NO_LANGUAGE: Any = "none"


class NoOperators:
    """An operators' chat that nobody has."""

    def takes(self, update):
        return False

    async def handle(self, bot, update):
        raise AssertionError("nobody is an operator here")


def says(text, *, update_id, chat_id=555):
    """Return an update in which a client writes a text."""
    person = {"id": chat_id, "is_bot": False, "first_name": "Ann"}
    chat = {"id": chat_id, "type": "private", "first_name": "Ann"}
    message = {"message_id": update_id, "date": int(NOON.timestamp()), "chat": chat}
    return {"update_id": update_id, "message": message | {"from": person, "text": text}}


@pytest.fixture
async def database(tmp_path):
    """A new database."""
    async with Database.open(tmp_path / "test.sqlite3", now=lambda: NOON) as opened:
        yield opened


@pytest.fixture
async def poller(database):
    """A poll whose messages live too long for any calendar, so that none can be stored."""
    settings = IntakeSettings(
        source_id=None,
        media_url=lambda file: "https://bridge.example.com/media/x",
        infer_read=True,
        lifetimes=Lifetimes(to_kommo=timedelta.max, to_telegram=timedelta.max),
    )
    bot = Bot(f"{BOT_ID}:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001")
    intake = Intake(BOT_ID, settings)
    yield Poller(
        bot,
        intake,
        database,
        health=BotHealth(BOT_ID),
        operators=NoOperators(),
        connections=Connections(bot, database),
    )
    await bot.session.close()


async def test_what_fails_while_it_is_stored_is_parked_and_the_others_are_looked_at(
    poller, database
):
    """A defect of ours costs no update: each is kept as it came, under its conversation."""
    await poller.store([says("one", update_id=1), says("two", update_id=2, chat_id=556)])
    async with database.snapshot() as snapshot:
        parked = await snapshot.to_kommo.list_items(states=("dead",), limit=10)
    assert {(item.conversation_id, item.reason) for item in parked} == {
        ("tg:700001:555", "OverflowError while reading Telegram's update 1"),
        ("tg:700001:556", "OverflowError while reading Telegram's update 2"),
    }


@pytest.fixture
async def clumsy(database):
    """A poll that has no word for a deep link: what carries one cannot be stored."""
    settings = IntakeSettings(
        source_id=None,
        media_url=lambda file: "https://bridge.example.com/media/x",
        infer_read=True,
        lifetimes=Lifetimes(to_kommo=timedelta(days=1), to_telegram=timedelta(days=1)),
        people=PeopleSettings(language=NO_LANGUAGE),
    )
    bot = Bot(f"{BOT_ID}:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001")
    intake = Intake(BOT_ID, settings)
    yield Poller(
        bot,
        intake,
        database,
        health=BotHealth(BOT_ID),
        operators=NoOperators(),
        connections=Connections(bot, database),
    )
    await bot.session.close()


async def waiting_for_kommo(database):
    """Return what waits for Kommo, in its order, and what is parked."""
    async with database.snapshot() as snapshot:
        found = await snapshot.to_kommo.list_items(states=("pending", "dead"), limit=100)
    waiting = sorted((item for item in found if item.state == "pending"), key=lambda item: item.id)
    texts = [NewMessage.model_validate_json(item.payload).content.text for item in waiting]
    return texts, [item for item in found if item.state == "dead"]


async def test_what_fails_while_it_is_stored_has_its_placeholder_in_its_place(clumsy, database):
    """The manager sees between the others that there was something."""
    said = ["one", "/start spring", "two"]
    await clumsy.store([says(text, update_id=n) for n, text in enumerate(said, start=1)])
    texts, [parked] = await waiting_for_kommo(database)
    assert texts == ["one", f"{UNREADABLE}\n/start spring", "two"]
    assert parked.reason == "ValueError while reading Telegram's update 2"


async def test_updates_without_a_number_are_told_apart(clumsy, database):
    """Two that cannot be stored are two, and the same one that comes again is one."""
    odd = [says("/start a", update_id=1), says("/start b", update_id=2)]
    for update in odd:
        del update["update_id"]
        del update["message"]["message_id"]
    await clumsy.store([*odd, *odd])
    texts, parked = await waiting_for_kommo(database)
    assert texts == [f"{UNREADABLE}\n/start a", f"{UNREADABLE}\n/start b"]
    assert len(parked) == 2


ABSURD = (
    2**52,
    2**63,
    2**70,
    -(2**52),
    -(2**63),
    -(2**70),
    -1,
    0,
    1.5,
    1e300,
    True,
    "x",
    "9" * 30,
)
REPLIES = {
    "reply_to_message": {"message_id": 41, "chat": {"id": 555, "type": "private"}, "date": 1},
    "contact": {"phone_number": "1", "first_name": "A", "user_id": 555},
}
UPDATES = {
    "message": says("hi", update_id=7)["message"] | REPLIES,
    "edited_message": says("hi", update_id=7)["message"] | {"edit_date": 1767348060},
    "callback_query": {
        "id": "9",
        "from": {"id": 555, "is_bot": False, "first_name": "Ann"},
        "chat_instance": "1",
        "data": "x",
        "message": says("hi", update_id=7)["message"],
    },
    "message_reaction": {
        "chat": {"id": 555, "type": "private"},
        "message_id": 41,
        "user": {"id": 555, "is_bot": False, "first_name": "Ann"},
        "date": 1767348000,
        "old_reaction": [],
        "new_reaction": [{"type": "emoji", "emoji": "x"}],
    },
    "my_chat_member": {
        "chat": {"id": 555, "type": "private"},
        "from": {"id": 555, "is_bot": False, "first_name": "Ann"},
        "date": 1767348000,
        "old_chat_member": {
            "status": "left",
            "user": {"id": 1, "is_bot": True, "first_name": "B"},
        },
        "new_chat_member": {
            "status": "kicked",
            "until_date": 0,
            "user": {"id": 1, "is_bot": True, "first_name": "B"},
        },
    },
}


def absurd_ones(update):
    """Return an update, each time with another number absurd, and where that is."""

    def walk(value, path):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(one, dict | list):
                yield from walk(one, (*path, key))
            elif type(one) is int or str(key).endswith("id"):
                yield (*path, key)

    number = 100
    for path in walk(update, ()):
        for value in ABSURD:
            number += 1
            changed = copy.deepcopy(update)
            changed["update_id"] = number
            if "message" in changed:
                changed["message"]["message_id"] = number
            place = changed
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            yield path, value, changed


@pytest.mark.no_cover  # thousands of examples
@pytest.mark.parametrize("kind", UPDATES)
async def test_an_absurd_number_is_no_defect(kind, database, caplog):
    """Ids beyond the database's, negative, true, a half, a word: stored or parked in one line."""
    settings = IntakeSettings(
        source_id=None,
        media_url=lambda file: "https://bridge.example.com/media/x",
        infer_read=True,
        lifetimes=Lifetimes(to_kommo=timedelta(days=1), to_telegram=timedelta(days=1)),
        people=PeopleSettings(can_link=True, has_welcome=True, asks_phone=True),
    )
    bot = Bot(f"{BOT_ID}:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001")
    intake = Intake(BOT_ID, settings)
    chats = OperatorsChats((-5,))
    health = Health({BOT_ID: BotHealth(BOT_ID)})
    dropping = Dropping(settings.lifetimes, "en")
    actions = Actions(database, health, chats, lambda: NOON, dropping)
    messenger = Messenger(database, chats)
    operators = OperatorChat(messenger, actions, Orders(), Background(PRESSES))
    poller = Poller(
        bot,
        intake,
        database,
        health=BotHealth(BOT_ID),
        operators=operators,
        connections=Connections(bot, database),
    )
    moved = {"migrate_to_chat_id": -7, "chat": {"id": -5, "type": "group"}, "message_id": 3}
    updates = [{"update_id": 7, kind: UPDATES[kind]}, {"update_id": 7, "message": moved}]
    for path, value, changed in (one for update in updates for one in absurd_ones(update)):
        await poller.store([changed])
        tracebacks = [record.message for record in caplog.records if record.exc_info]
        assert tracebacks == [], (path, value)
    await bot.session.close()
