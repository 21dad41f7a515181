"""Alerts reach the operators' chat through a real Bot API server."""

from datetime import UTC, datetime
from functools import partial

import pytest
from aiogram import Bot

from bot.health import BotHealth, Health
from bot.http.telegram_session import TelegramSession
from bot.operate.operators.chat_alerts import ChatAlerts, look
from bot.operate.operators.known_chats import OperatorsChats
from bot.operate.operators.messenger import Messenger
from sandbox.telegram.server import TelegramServer
from storage.database import Database

BOSS = 900
TOKENS = [f"70000{number}:FAKE-TOKEN-FOR-TESTS-ONLY-000000000{number}" for number in (1, 2)]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


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


def alerts_to(chats, database, health):
    """Return what tells operators' chats the alerts that come from a health."""
    looking = partial(look, database, health, now=lambda: NOON)
    return ChatAlerts(Messenger(database, chats), looking, lambda: NOON)


@pytest.fixture
def health():
    """The first bot has lost its token."""
    return Health(bots={700001: BotHealth(700001, problem="no token: make a new one")})


@pytest.fixture
async def alerts(tmp_path, health):
    """Alerts in the operator's chat."""
    async with Database.open(tmp_path / "bridge.sqlite3") as database:
        yield alerts_to(OperatorsChats((BOSS,)), database, health)


async def test_an_alert_goes_through_another_bot_when_the_first_cannot(
    alerts, health, telegram, bots
):
    """A revoked token is told through a bot that works, once; its end is told too."""
    telegram.revoke(700001)
    for _look in range(3):
        await alerts.alert(bots)
    assert telegram.texts_to(BOSS) == ["⚠️ Bot 700001: no token: make a new one"]
    health.bots[700001].problem = None
    await alerts.alert(bots)
    assert telegram.texts_to(BOSS)[1:] == ["✅ Over: Bot 700001: no token: make a new one"]


async def test_an_end_is_told_by_the_next_short_look(alerts, health, telegram, bots):
    """Looks in between tell what is over, within seconds, and nothing that is new."""
    for _look in range(3):
        await alerts.tell_ends(bots[1:])
    assert telegram.texts_to(BOSS) == []
    for _look in range(2):
        await alerts.alert(bots[1:])
    await alerts.tell_ends(bots[1:])
    assert telegram.texts_to(BOSS) == ["⚠️ Bot 700001: no token: make a new one"]
    health.bots[700001].problem = None
    for _look in range(2):
        await alerts.tell_ends(bots[1:])
    assert telegram.texts_to(BOSS)[1:] == ["✅ Over: Bot 700001: no token: make a new one"]


async def test_an_alert_that_nobody_got_is_told_later(alerts, telegram, bots):
    """While Telegram is down alerts wait."""
    telegram.is_down = True
    for _look in range(2):
        await alerts.alert(bots)
    telegram.is_down = False
    await alerts.alert(bots)
    assert len(telegram.texts_to(BOSS)) == 1


async def test_an_alert_follows_a_group_that_became_a_supergroup(tmp_path, telegram, bots):
    """Telegram's refusal tells the new number; the alert arrives, and the next start knows it."""
    old, new = -4711, -100200
    group = telegram.add_group(old, "Operators")
    telegram.add_group(new, "Operators")
    group.migrated_to = new
    health = Health(bots={700001: BotHealth(700001, problem="no token")})
    async with Database.open(tmp_path / "bridge.sqlite3") as database:
        alerts = alerts_to(OperatorsChats((old,)), database, health)
        for _look in range(3):
            await alerts.alert(bots[:1])
        later = OperatorsChats((old, new))
        async with database.snapshot() as snapshot:
            await later.load(snapshot.facts)
    assert telegram.texts_to(new) == ["⚠️ Bot 700001: no token"]
    assert later.moved == {old: new}
    assert later.reachable == (new,)


@pytest.mark.parametrize("is_deleted", [False, True], ids=["there", "deleted"])
async def test_an_alert_goes_to_the_topic_of_a_forum(tmp_path, telegram, bots, health, is_deleted):
    """And to the forum itself when somebody has deleted the topic."""
    forum = -100300
    telegram.add_group(forum, "Operators")
    topic = telegram.opens_topic("Bridge", chat_id=forum)
    if is_deleted:
        telegram.deletes_topic(topic, chat_id=forum)
    async with Database.open(tmp_path / "bridge.sqlite3") as database:
        alerts = alerts_to(OperatorsChats((forum,), topic), database, health)
        for _look in range(2):
            await alerts.alert(bots)
    [sent] = telegram.sent_to(forum)
    assert sent.text == "⚠️ Bot 700001: no token: make a new one"
    assert sent.parameters.get("message_thread_id") == (None if is_deleted else str(topic))
