"""What the poll does with an update that fails only while it is stored."""

from datetime import UTC, datetime, timedelta

import pytest
from aiogram import Bot

from bot.health import BotHealth
from bot.queue.items import Lifetimes
from bot.receive.telegram_poll import Poller
from bot.receive.telegram_updates import Intake, IntakeSettings
from storage.database import Database

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BOT_ID = 700001


class NoOperators:
    """A desk that no chat belongs to."""

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
    async with Database.open(tmp_path / "test.sqlite3") as opened:
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
    yield Poller(bot, intake, database, BotHealth(BOT_ID), NoOperators())
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
