"""Alerts reach the operators' chat through a real Bot API server."""

from datetime import UTC, datetime, timedelta

import pytest
from aiogram import Bot

from bot.health import BotHealth, Health
from bot.items import Lifetimes
from bot.operate.desk import Desk
from bot.telegram_session import TelegramSession
from sandbox.telegram import TelegramServer
from storage.database import Database

BOSS = 900
TOKENS = [f"70000{number}:FAKE-TOKEN-FOR-TESTS-ONLY-000000000{number}" for number in (1, 2)]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIFETIMES = Lifetimes(to_kommo=timedelta(hours=1), to_telegram=timedelta(hours=1))


@pytest.fixture
async def telegram():
    """The sandbox's Telegram with two bots that know the operator."""
    async with TelegramServer.start() as server:
        for number, token in enumerate(TOKENS):
            server.add_bot(token, name=f"Bot {number}", username=f"bot{number}_bot")
            server.client_says("/start", chat_id=BOSS, bot=int(token.partition(":")[0]))
        yield server


@pytest.fixture
async def bots(telegram):
    """Both bots."""
    made = [Bot(token, session=TelegramSession(telegram.url)) for token in TOKENS]
    yield made
    for bot in made:
        await bot.session.close()


@pytest.fixture
async def desk(tmp_path):
    """A desk whose first bot has lost its token."""
    health = Health(bots={700001: BotHealth(700001, problem="no token: make a new one")})
    async with Database.open(tmp_path / "bridge.sqlite3") as database:
        yield Desk(database, (BOSS,), health, LIFETIMES, lambda: NOON)


async def test_an_alert_goes_through_another_bot_when_the_first_cannot(desk, telegram, bots):
    """A revoked token is told through a bot that works, once; its end is told too."""
    telegram.revoke(700001)
    for _look in range(3):
        await desk.alert(bots)
    assert telegram.texts_to(BOSS) == ["⚠️ Bot 700001: no token: make a new one"]
    desk.health.bots[700001].problem = None
    await desk.alert(bots)
    assert telegram.texts_to(BOSS)[1:] == ["✅ Over: Bot 700001: no token: make a new one"]


async def test_an_alert_that_nobody_got_is_told_later(desk, telegram, bots):
    """While Telegram is down alerts wait."""
    telegram.is_down = True
    for _look in range(2):
        await desk.alert(bots)
    telegram.is_down = False
    await desk.alert(bots)
    assert len(telegram.texts_to(BOSS)) == 1
