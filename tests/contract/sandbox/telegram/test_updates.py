"""getUpdates, with the semantics of the original."""

import asyncio
import time

import pytest
from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramBadRequest, TelegramConflictError

from bot.http.telegram_session import TelegramSession
from sandbox.telegram.server import TelegramServer

FIRST = 1000
TOKEN = "700001:not-a-real-token"


async def ids(
    bot: Bot, *, offset: int | None = None, limit: int | None = None, wait_s: int | None = None
) -> list[int]:
    """Ids of the updates that a call gives."""
    updates = await bot.get_updates(offset=offset, limit=limit, timeout=wait_s)
    return [update.update_id for update in updates]


async def test_an_update_comes_until_its_offset_is_passed(
    telegram: TelegramServer, bot: Bot
) -> None:
    """Only an offset beyond an update confirms it."""
    telegram.client_says("one")
    assert await ids(bot) == await ids(bot, offset=FIRST) == [FIRST, FIRST + 1]
    assert telegram.confirmed() == []
    assert await ids(bot, offset=FIRST + 1) == [FIRST + 1]
    assert telegram.confirmed() == [FIRST]
    assert [update["update_id"] for update in telegram.pending_updates()] == [FIRST + 1]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param({"limit": 2}, [1000, 1001], id="limit"),
        pytest.param({"limit": 1000}, [1000, 1001, 1002], id="limit-too-high"),
        pytest.param({"limit": -5}, [1000], id="limit-too-low"),
        pytest.param({"offset": -1}, [1002], id="last"),
        pytest.param({"offset": -2}, [1001, 1002], id="last-two"),
        pytest.param({"offset": -9}, [1000, 1001, 1002], id="more-than-there-are"),
        pytest.param({"offset": 1013}, [], id="a-little-too-far"),
        pytest.param({"offset": 5000}, [1000, 1001, 1002], id="much-too-far-is-ignored"),
    ],
)
async def test_offsets_and_limits(
    telegram: TelegramServer, bot: Bot, how: dict[str, int], expected: list[int]
) -> None:
    """Offsets and limits choose as in the original."""
    telegram.client_says("one")
    telegram.client_says("two")
    assert await ids(bot, **how) == expected


async def test_a_long_poll_ends_with_the_first_update(telegram: TelegramServer, bot: Bot) -> None:
    """A call that waits is answered at once when something is written."""
    await ids(bot, offset=FIRST + 1)
    waiting = asyncio.create_task(ids(bot, offset=FIRST + 1, wait_s=30))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    telegram.client_says("now")
    assert await asyncio.wait_for(waiting, 1) == [FIRST + 1]


async def test_a_long_poll_ends_with_its_time(telegram: TelegramServer, bot: Bot) -> None:
    """A call that waits in vain is answered with nothing."""
    began = time.monotonic()
    assert await ids(bot, offset=FIRST + 1, wait_s=1) == []
    assert 0.9 < time.monotonic() - began < 3


async def test_a_newer_call_ends_the_older(telegram: TelegramServer, bot: Bot) -> None:
    """Of two pollers the newer wins, and the older hears of it."""
    older = asyncio.create_task(ids(bot, offset=FIRST + 1, wait_s=30))
    await asyncio.sleep(0.05)
    newer = asyncio.create_task(ids(bot, offset=FIRST + 1, wait_s=30))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await older
    telegram.client_says("now")
    assert await newer == [FIRST + 1]


async def test_a_webhook_is_in_the_way(telegram: TelegramServer, bot: Bot) -> None:
    """Setting a webhook ends the poll, and there is none until it is deleted."""
    poll = asyncio.create_task(ids(bot, offset=FIRST + 1, wait_s=30))
    await asyncio.sleep(0.05)
    await bot.set_webhook("https://bridge.example.com/")
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook request"):
        await poll
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    telegram.client_says("kept")
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == ("https://bridge.example.com/", 1)
    await bot.delete_webhook()
    assert await ids(bot) == [FIRST + 1]
    with pytest.raises(TelegramBadRequest, match="HTTPS URL must be provided"):
        await bot.set_webhook("http://bridge.example.com/")


async def test_dropping_what_is_pending_loses_it(telegram: TelegramServer, bot: Bot) -> None:
    """What is dropped is gone, as in the original."""
    telegram.client_says("lost")
    await bot.delete_webhook(drop_pending_updates=True)
    assert await ids(bot) == []


async def test_kinds_are_chosen_when_an_update_is_made(telegram: TelegramServer, bot: Bot) -> None:
    """Reactions must be asked for, and what was not asked for does not come later."""
    telegram.client_reacts(1, "👍")
    await bot.get_updates(allowed_updates=["message_reaction"])
    telegram.client_reacts(1, "🔥")
    telegram.client_says("not asked for")
    updates = await bot.get_updates(offset=FIRST + 1)
    assert [update.event_type for update in updates] == ["message_reaction"]
    assert updates[0].message_reaction
    old = updates[0].message_reaction.old_reaction
    assert [reaction.model_dump() for reaction in old] == [{"type": "emoji", "emoji": "👍"}]
    await bot.get_updates(allowed_updates=[])
    telegram.client_reacts(1, None)
    telegram.client_says("asked for again")
    assert [update.event_type for update in await bot.get_updates(offset=FIRST + 2)] == ["message"]


async def test_poison_can_be_pushed(telegram: TelegramServer, bot: Bot) -> None:
    """An update may be anything, even what aiogram cannot read."""
    update_id = telegram.push({"message": {"message_id": 1}})
    assert telegram.pending_updates()[-1]["update_id"] == update_id
    with pytest.raises(ClientDecodeError):
        await bot.get_updates()


async def test_asking_again_and_again_is_slowed_down() -> None:
    """On request the server throttles who asks for the same offset, as the original does."""
    async with TelegramServer.start(is_throttled=True) as telegram:
        telegram.add_bot(TOKEN)
        telegram.client_says("one")
        telegram.client_says("two")
        session = TelegramSession(telegram.url)
        async with Bot(TOKEN, session=session).context() as bot:
            assert await ids(bot) == [FIRST, FIRST + 1]
            assert await ids(bot) == [FIRST]
            assert await ids(bot, offset=FIRST + 2) == []
            began = time.monotonic()
            assert await ids(bot, offset=FIRST + 2) == []
            assert time.monotonic() - began > 2.5


async def test_stopping_ends_long_polls() -> None:
    """The server stops at once, though somebody waits for updates."""
    async with TelegramServer.start() as telegram:
        telegram.add_bot(TOKEN)
        session = TelegramSession(telegram.url)
        bot = Bot(TOKEN, session=session)
        poll = asyncio.create_task(ids(bot, wait_s=30))
        await asyncio.sleep(0.05)
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert await poll == []
    await session.close()
