"""Business connections are asked of Telegram: when they are new, and again and again."""

import asyncio

import pytest
from aiogram import Bot
from aiogram.exceptions import AiogramError

from bot.http.telegram_session import TelegramSession
from bot.receive.business import PATIENCE, Connections, keep_reading
from sandbox.telegram.server import TelegramServer
from storage.database import Database

TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"


@pytest.fixture
async def telegram():
    """The sandbox's Telegram with one bot."""
    async with TelegramServer.start() as server:
        server.add_bot(TOKEN)
        yield server


@pytest.fixture
async def database(tmp_path):
    """A database of its own."""
    async with Database.open(tmp_path / "bridge.sqlite3") as opened:
        yield opened


@pytest.fixture
async def connections(telegram, database):
    """The connections of that bot."""
    bot = Bot(TOKEN, session=TelegramSession(telegram.url))
    yield Connections(bot, database)
    await bot.session.close()


def said_through(connection):
    """Return an update of an account's chat."""
    return [{"update_id": 1, "business_message": {"business_connection_id": connection}}]


async def current(database):
    """Return how Olga's account is connected, as far as that is known."""
    async with database.snapshot() as snapshot:
        return await snapshot.business.current(700001, 900)


async def test_what_telegram_never_tells_stops_nobody(telegram, connections, database):
    """The updates come again a few times; then they are kept aside, and the bot goes on."""
    made = telegram.owner_connects(900, name="Olga")
    telegram.faults.fail("getBusinessConnection", status=500, times=None)
    for _ in range(PATIENCE - 1):
        with pytest.raises(AiogramError):
            await connections.learn(said_through(made))
    await connections.learn(said_through(made))
    assert await current(database) is None
    telegram.faults.clear()
    await connections.learn(said_through(made))
    assert (await current(database)).connection_id == made


async def test_what_comes_through_an_ended_connection_is_a_reason_to_ask(
    telegram, connections, database
):
    """Telegram may have told of its end, and not of its return."""
    made = telegram.owner_connects(900, name="Olga")
    await connections.learn(said_through(made))
    async with database.transaction() as tx:
        await tx.business.end(made, now=tx.now)
    await connections.learn(said_through(made))
    assert (await current(database)).is_enabled
    await connections.learn(said_through(made))
    assert len(telegram.calls("getBusinessConnection")) == 2


async def test_rights_are_read_again_and_again(telegram, connections, database):
    """A failure is only a reason to ask sooner."""
    made = telegram.owner_connects(900, name="Olga")
    await connections.learn(said_through(made))
    telegram.connections[made].rights = {}
    telegram.faults.fail("getBusinessConnection", status=500, times=1)
    reading = asyncio.create_task(keep_reading([connections], every_s=0.01, after_failure_s=0.01))
    for _ in range(1000):
        if not (await current(database)).can_reply:
            break
        await asyncio.sleep(0.01)
    reading.cancel()
    assert not (await current(database)).can_reply
