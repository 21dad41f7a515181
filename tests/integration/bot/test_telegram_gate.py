"""What may begin in Telegram: rates of bots and chats, pauses, places for files."""

from dataclasses import replace

import pytest

from bot.deliver.fairness import NO_LIMIT
from bot.deliver.telegram.file_slots import BUSY_S
from bot.deliver.telegram.gate import TelegramGate, TooSoonError
from bot.deliver.telegram.items import address_of
from bot.deliver.telegram.rates import CHAT_BURST, Limits
from bot.deliver.telegram.uploads import UPLOADS
from storage.database import Database
from tests.outgoing import BOT_ID, NOON, claim, says

LANE, PRESSES, FOREIGN = f"tg:{BOT_ID}:", f"tg:{BOT_ID}:now", "tg:700009:"
FILE = {"type": "file", "media": "https://files.example/a.pdf"}


@pytest.fixture
async def database(tmp_path):
    """An empty database."""
    async with Database.open(tmp_path / "bridge.sqlite3", now=lambda: NOON) as opened:
        yield opened


@pytest.fixture
def gate(database):
    """The gate of one bot; its rates are so low that none recovers during a test."""
    return TelegramGate([BOT_ID], database, Limits(bot_per_s=0.01, chat_per_s=0.01))


@pytest.fixture
def item(database):
    """Return an item that is in flight."""
    made = iter(range(1000))

    async def act(chat_id, **content):
        number = next(made)
        payload = says(f"text {number}", number=number, **content)
        return await claim(
            database,
            payload,
            conversation_id=f"tg:{BOT_ID}:{chat_id}",
            number=number,
        )

    return act


async def test_a_bot_sends_so_much_and_no_more(gate, item):
    """What is over its rate does not begin; presses are answered all the same."""
    assert gate.room(LANE).free == 1
    gate.begin(await item(1))
    assert gate.room(LANE).free == 0
    assert gate.room(PRESSES).free == NO_LIMIT
    assert gate.room(FOREIGN).free == NO_LIMIT


async def test_a_chat_waits_alone(gate, item):
    """After its burst the next message to a chat waits; to another it goes at once."""
    first = await item(1)
    for _ in range(CHAT_BURST):
        gate.begin(first)
    assert gate.wait_s(first) > 0
    assert gate.wait_s(await item(2)) == 0
    assert gate.wait_s(replace(first, kind="button_press")) == 0
    with pytest.raises(TooSoonError):
        gate.count_call(address_of(first))


async def test_a_flood_in_one_chat_is_that_chats(gate, item):
    """Telegram asked one chat to be quiet: the bot goes on elsewhere."""
    first, other = await item(1), await item(2)
    gate.slow_down(first, 30)
    held = gate.held(first)
    assert held is not None
    assert held.span_s == pytest.approx(30, abs=1)
    assert gate.held(other) is None
    assert not gate.holds(LANE)


async def test_a_flood_in_several_chats_is_the_bots(gate, item):
    """Then it is silent everywhere, presses among it."""
    for chat_id in (1, 2):
        gate.slow_down(await item(chat_id), 30)
    assert gate.holds(LANE)
    assert gate.room(PRESSES).free == 0
    assert gate.held(await item(3)) is not None


async def test_files_leave_places_to_texts(gate, item):
    """A file beyond the places waits; it begins when another has ended."""
    files = [await item(chat_id, **FILE) for chat_id in range(UPLOADS + 1)]
    assert [gate.wait_s(one) for one in files] == [0.0] * UPLOADS + [BUSY_S]
    assert gate.wait_s(await item(99)) == 0
    gate.ended(files[0])
    assert gate.wait_s(files[-1]) == 0
