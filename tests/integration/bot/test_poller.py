"""The poll of one bot: what fails there stops nobody else."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from aiogram import Bot

from bot.health import BotHealth
from bot.http.telegram_session import TelegramSession
from bot.queue.items import Lifetimes
from bot.receive import telegram_poll as polling
from bot.receive.business import Connections
from bot.receive.client_messages import IntakeSettings
from bot.receive.telegram_poll import Poller
from bot.receive.telegram_updates import Intake
from sandbox.telegram.server import TelegramServer
from storage.database import Database

BOT_ID = 700001
TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
HOUR = timedelta(hours=1)


@pytest.fixture
async def telegram():
    """Telegram's server with one bot."""
    async with TelegramServer.start() as server:
        server.add_bot(TOKEN)
        yield server


class FaultyOperators:
    """Fails unexpectedly, as often as it is told."""

    def __init__(self):
        self.failures = 0

    def takes(self, _update):
        self.failures -= 1
        if self.failures >= 0:
            raise ZeroDivisionError
        return False

    async def handle(self, bot, update):
        raise AssertionError


@pytest.fixture
def operators():
    """An operators' chat with a fault."""
    return FaultyOperators()


@pytest.fixture
async def poll(tmp_path, telegram, operators):
    """A poll that runs: its task, its health, its database."""
    settings = IntakeSettings(None, lambda file: file.name, True, Lifetimes(HOUR, HOUR))
    intake = Intake(BOT_ID, settings)
    bot, health = Bot(TOKEN, session=TelegramSession(telegram.url)), BotHealth(BOT_ID)
    async with Database.open(tmp_path / "bridge.sqlite3") as database:
        task = asyncio.create_task(
            Poller(
                bot,
                intake,
                database,
                health=health,
                operators=operators,
                connections=Connections(bot, database),
            ).run()
        )
        yield task, health, database
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await bot.session.close()


async def until(is_true):
    """Wait until something is true, but not for ever."""
    async with asyncio.timeout(10):
        while not is_true():  # noqa: ASYNC110 - another part's state
            await asyncio.sleep(0.01)


async def test_a_fault_of_ours_pauses_one_bot_and_loses_nothing(
    telegram, operators, poll, monkeypatch, caplog
):
    """An unexpected failure is in health and log; the update comes again, and is stored."""
    monkeypatch.setattr(polling, "FIRST_PAUSE_S", 0.2)
    task, health, database = poll
    await until(lambda: health.is_polling)
    operators.failures = 2
    telegram.client_says("Hi")
    await until(lambda: health.problem == "ZeroDivisionError")
    await until(lambda: health.problem is None)
    assert not task.done()
    assert caplog.text.count("Traceback") == 1
    async with database.snapshot() as snapshot:
        assert (await snapshot.to_kommo.counts())["pending"] == 1


@contextlib.asynccontextmanager
async def another_program(telegram):
    """Poll the same bot, again at once whenever that ends."""
    bot = Bot(TOKEN, session=TelegramSession(telegram.url))

    async def go_on():
        while True:
            with contextlib.suppress(Exception):
                await bot(polling.RawGetUpdates(timeout=30))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(go_on())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await bot.session.close()


async def test_another_program_that_goes_on_is_one_alarm_and_its_end_is_told(
    telegram, poll, monkeypatch, caplog
):
    """As long as both poll, health says so without a break; soon after it ends, all is well."""
    monkeypatch.setattr(polling, "CONFLICT_PAUSE_S", 0.05)
    monkeypatch.setattr(polling, "CONFLICT_WAIT_S", 1)
    _task, health, _database = poll
    await until(lambda: health.is_polling)
    caplog.set_level("INFO")
    async with another_program(telegram):
        await until(lambda: health.problem is not None)
        seen = [health.problem]
        for _ in range(100):
            await asyncio.sleep(0.01)
            seen.append(health.problem)
        assert None not in seen
        assert caplog.text.count("another program polls this bot") == 1
    await until(lambda: health.problem is None)


async def test_a_token_that_is_refused_for_a_moment_is_tried_soon(telegram, poll):
    """A server that is being moved refuses everybody; its end is noticed within seconds."""
    _task, health, _database = poll
    await until(lambda: health.is_polling)
    refused = telegram.faults.fail("getUpdates", status=401, times=None)
    telegram.client_says("ends the poll that waits")
    await until(lambda: health.problem is not None)
    telegram.faults.remove(refused)
    async with asyncio.timeout(5):
        await until(lambda: health.problem is None)
