"""What the next start makes of the sends that a stop interrupted."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.deliver.telegram.interrupted import BOOT, boot_id, recover
from bot.deliver.telegram.journal import Journal, Step
from storage.database import Database
from storage.message_reader import SentPart
from storage.queue.producer import Draft

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PART = SentPart("kommo-1", "tg:1:5", bot_id=1, chat_id=5, telegram_message_id=42, at=NOON)
BOT = 1


@pytest.fixture
async def database(tmp_path):
    """An empty database."""
    async with Database.open(tmp_path / "bridge.sqlite3") as opened:
        yield opened


@pytest.fixture
def journal_path(tmp_path):
    """Where the journal is."""
    return tmp_path / "bridge.sqlite3-sends"


@pytest.fixture
async def claimed(database, journal_path):
    """Three claimed items of a process that ran in boot "a"; returns their ids."""
    async with Journal.open(journal_path) as journal:
        await recover(database, journal, boot_id="a", now=NOON)
    async with database.transaction() as tx:
        for number in range(3):
            await tx.to_telegram.add(
                Draft(
                    dedupe_key=f"hook:{number}",
                    ordering_key=f"tg:1:{number}",
                    conversation_id=f"tg:1:{number}",
                    kind="manager_message",
                    payload="{}",
                ),
                now=NOON,
                expires_at=NOON + timedelta(hours=1),
            )
        return [item.id for item in await tx.to_telegram.take(now=NOON, limit=9)]


@pytest.fixture
def start(database, journal_path):
    """Start again; return what is known of each item then."""

    async def act(items, boot="a"):
        async with Journal.open(journal_path) as journal:
            interrupted = await recover(database, journal, boot_id=boot, now=NOON)
        async with database.snapshot() as snapshot:
            found = [await snapshot.to_telegram.get(item_id) for item_id in items]
        assert all(item.started_at is None and item.due_at is not None for item in found)
        return interrupted, [(item.attempts, item.is_uncertain, item.progress) for item in found]

    return act


def step(item_id, number=1, *, is_last=True):
    """Return a call of the first attempt of an item."""
    return Step(item_id, 1, f"hook:{item_id - 1}", number, is_last)


WAITED, DOUBTFUL, SETTLED = (0, False, 0), (1, True, 0), (1, False, 0)


async def test_what_only_waited_is_released(claimed, journal_path, start):
    """It was not begun: no attempt is counted, and nothing is uncertain."""
    async with Journal.open(journal_path) as journal:
        journal.begin(step(claimed[0]), BOT)
        journal.begin(step(claimed[1]), BOT)
        journal.take(step(claimed[1]), PART, BOT)
    assert await start(claimed) == (1, [DOUBTFUL, SETTLED, WAITED])


async def test_what_was_refused_is_not_uncertain(claimed, journal_path, start):
    """Telegram said no, and the same call was tried in another way."""
    async with Journal.open(journal_path) as journal:
        for number in (0, 1):
            journal.begin(step(claimed[number]), BOT)
            journal.refuse(step(claimed[number]), BOT)
        journal.begin(step(claimed[1]), BOT)
    assert await start(claimed) == (1, [WAITED, DOUBTFUL, WAITED])


async def test_the_parts_of_a_message_are_recorded(claimed, database, journal_path, start):
    """The rest is sent later; a part that was begun is uncertain, and no other."""
    async with Journal.open(journal_path) as journal:
        for number in (0, 1):
            journal.begin(step(claimed[number], is_last=False), BOT)
            journal.take(step(claimed[number], is_last=False), PART, BOT)
        journal.begin(step(claimed[1], 2), BOT)
    assert await start(claimed) == (1, [(0, False, 1), (1, True, 1), WAITED])
    async with database.snapshot() as snapshot:
        assert await snapshot.messages.in_chat(5, 42)


@pytest.mark.parametrize("boot", ["b", None], ids=["power-cut", "nobody-knows"])
async def test_after_a_power_cut_all_that_was_claimed_is_uncertain(
    claimed, journal_path, start, boot
):
    """Lines may be lost; what is in those that are left still counts."""
    async with Journal.open(journal_path) as journal:
        journal.begin(step(claimed[1]), BOT)
        journal.take(step(claimed[1]), PART, BOT)
    assert await start(claimed, boot) == (2, [DOUBTFUL, SETTLED, DOUBTFUL])


async def test_without_its_journal_all_that_was_claimed_is_uncertain(claimed, journal_path, start):
    """A database that was moved alone does not say what was begun."""
    journal_path.unlink()
    assert await start(claimed) == (3, [DOUBTFUL, DOUBTFUL, DOUBTFUL])


async def test_after_an_upgrade_all_that_was_claimed_is_uncertain(
    claimed, database, journal_path, start
):
    """An earlier version wrote what was taken, and not what it began, nor which boot it was."""
    async with database.transaction() as tx:
        await tx.facts.put(BOOT, "")
    journal_path.write_text(f'[{claimed[1]}, 1, "hook:{claimed[1] - 1}", null]\n')
    assert await start(claimed) == (2, [DOUBTFUL, SETTLED, DOUBTFUL])


def test_the_boot_is_named_by_systemd_or_by_the_system(tmp_path):
    """Where neither does, nobody knows."""
    file = tmp_path / "boot_id"
    file.write_text("the file's\n")
    assert boot_id({"BOOT_ID": "systemd's"}, file) == "systemd's"
    assert boot_id({}, file) == "the file's"
    assert boot_id({}, tmp_path / "none") is None
