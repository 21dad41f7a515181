"""Alerts reach the operators' chat through a real Bot API server."""

from datetime import UTC, datetime, timedelta

import pytest
from aiogram import Bot

from bot.health import BotHealth, Health
from bot.http.telegram_session import TelegramSession
from bot.operate.operators.chat import Desk
from bot.queue.items import Lifetimes
from sandbox.telegram.server import TelegramServer
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


async def test_an_end_is_told_by_the_next_short_look(desk, telegram, bots):
    """Looks in between tell what is over, within seconds, and nothing that is new."""
    for _look in range(3):
        await desk.tell_ends(bots[1:])
    assert telegram.texts_to(BOSS) == []
    for _look in range(2):
        await desk.alert(bots[1:])
    await desk.tell_ends(bots[1:])
    assert telegram.texts_to(BOSS) == ["⚠️ Bot 700001: no token: make a new one"]
    desk.health.bots[700001].problem = None
    for _look in range(2):
        await desk.tell_ends(bots[1:])
    assert telegram.texts_to(BOSS)[1:] == ["✅ Over: Bot 700001: no token: make a new one"]


async def test_an_alert_that_nobody_got_is_told_later(desk, telegram, bots):
    """While Telegram is down alerts wait."""
    telegram.is_down = True
    for _look in range(2):
        await desk.alert(bots)
    telegram.is_down = False
    await desk.alert(bots)
    assert len(telegram.texts_to(BOSS)) == 1


async def test_an_alert_follows_a_group_that_became_a_supergroup(tmp_path, telegram, bots):
    """Telegram's refusal tells the new number; the alert arrives, and the next start knows it."""
    old, new = -4711, -100200
    group = telegram.add_group(old, "Operators")
    telegram.add_group(new, "Operators")
    group.migrated_to = new
    health = Health(bots={700001: BotHealth(700001, problem="no token")})
    async with Database.open(tmp_path / "bridge.sqlite3") as database:
        desk = Desk(database, (old,), health, LIFETIMES, lambda: NOON)
        for _look in range(3):
            await desk.alert(bots[:1])
        later = Desk(database, (old, new), health, LIFETIMES, lambda: NOON)
        await later.load()
    assert telegram.texts_to(new) == ["⚠️ Bot 700001: no token"]
    assert later.chats.moved == {old: new}
    assert later.chats.reachable == (new,)
