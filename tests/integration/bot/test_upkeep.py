"""What happens by itself: old items go, copies are made."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bot.health import Health
from bot.operate.backup import too_old
from bot.operate.jobs import Jobs, next_step
from bot.operate.operators.chat_alerts import look
from bot.settings.tables import StorageSettings
from storage.buttons import Button
from storage.database import Database
from storage.errors import DatabaseUnavailableError
from storage.message_reader import SentPart
from storage.queue.producer import Draft
from storage.sqlite.copies import verify

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path):
    """An open database."""
    async with Database.open(tmp_path / "bridge.sqlite3") as opened:
        yield opened


async def add(database, key, *, at):
    """Put an item into the inbox; return its id."""
    async with database.transaction() as tx:
        return await tx.to_telegram.add(
            Draft(dedupe_key=key, ordering_key=key, kind="manager_message", payload="{}"),
            now=at,
            expires_at=at,
        )


async def test_what_ended_long_ago_is_removed(database):
    """Delivered and dead items go after keep_days; what waits stays, however old."""
    long_ago = NOON - timedelta(days=31)
    done, dead, waiting, recent = [
        await add(database, key, at=long_ago) for key in ("done", "dead", "waiting", "recent")
    ]
    async with database.transaction() as tx:
        await tx.to_telegram.finish(done, now=long_ago)
        await tx.to_telegram.bury(dead, now=long_ago, reason="gave up")
        await tx.to_telegram.finish(recent, now=NOON - timedelta(days=29))
    await Jobs(database, StorageSettings(), now=lambda: NOON).purge()
    async with database.snapshot() as snapshot:
        left = await snapshot.to_telegram.list_items(states=("pending", "done", "dead"), limit=9)
    assert [item.id for item in left] == [waiting, recent]


async def test_buttons_stay_for_a_year(database):
    """A button can be pressed long after its message's item is gone; after a year it goes."""
    old, young = NOON - timedelta(days=366), NOON - timedelta(days=364)
    async with database.transaction() as tx:
        await tx.buttons.remember(
            [Button("old", "tg:1:2", "Yes", old), Button("young", "tg:1:2", "No", young)]
        )
    await Jobs(database, StorageSettings(), now=lambda: NOON).purge()
    async with database.snapshot() as snapshot:
        assert await snapshot.buttons.get("old") is None
        assert await snapshot.buttons.get("young") is not None


async def test_messages_have_a_lifetime_of_their_own(database):
    """A year later an answer still finds what it quotes; after two years it is forgotten."""
    ages = {"year": 365, "old": 729, "older": 731}
    async with database.transaction() as tx:
        for number, (name, days) in enumerate(ages.items()):
            at = NOON - timedelta(days=days)
            await tx.messages.remember_outgoing(
                SentPart(name, "tg:700001:555", 700001, 555, number, at)
            )
            await tx.messages.set_status(name, 1, now=at)
            await tx.messages.set_status(f"{name} failed", -1, now=at)
    await Jobs(database, StorageSettings(), now=lambda: NOON).purge()
    async with database.snapshot() as snapshot:
        known = [name for name in ages if await snapshot.messages.by_kommo_message(name)]
        told = [name for name in ages if await snapshot.messages.status_of(name) is not None]
        failed = [n for n in ages if await snapshot.messages.status_of(f"{n} failed") is not None]
    assert known == told == failed == ["year", "old"]
    await Jobs(
        database, StorageSettings(keep_messages_days=0), now=lambda: NOON + timedelta(days=9999)
    ).purge()
    async with database.snapshot() as snapshot:
        assert await snapshot.messages.by_kommo_message("year")


async def test_much_is_removed_in_small_steps(database, caplog):
    """However much is old, a webhook that comes meanwhile is stored after one step."""
    caplog.set_level("INFO")
    await _fill(database, 3000)
    jobs = Jobs(database, StorageSettings(), now=lambda: NOON)
    purge = asyncio.create_task(jobs.purge())
    stored = 0
    while not purge.done():
        await add(database, f"meanwhile {stored}", at=NOON)
        stored += 1
    await purge
    async with database.snapshot() as snapshot:
        assert await snapshot.to_telegram.counts() == {"pending": stored, "done": 0, "dead": 0}
    assert stored > 5
    assert "old rows removed" in caplog.text


async def _fill(database, count):
    long_ago = NOON - timedelta(days=31)
    async with database.transaction() as tx:
        for number in range(count):
            await tx.to_telegram.record_done(
                Draft(dedupe_key=f"{number}", ordering_key="k", kind="k", payload="{}"),
                now=long_ago,
            )


@pytest.mark.parametrize(
    ("limit", "took_s", "following"),
    [
        pytest.param(100, 0.005, 100, id="as-long-as-it-should"),
        pytest.param(100, 0.2, 20, id="too-long"),
        pytest.param(1000, 0.01, 500, id="a-little-long"),
        pytest.param(100, 0.001, 200, id="fast-grows-slowly"),
        pytest.param(4000, 0.0, 5000, id="never-too-much"),
    ],
)
def test_a_step_is_as_large_as_the_machine_allows(limit, took_s, following):
    """A slow disk gets smaller steps, and never none."""
    assert next_step(limit, took_s) == following


async def test_each_day_has_its_copy_and_the_oldest_go(database, tmp_path):
    """One copy a day, as many days as set; foreign files in the folder are left alone."""
    folder = tmp_path / "copies"
    await Jobs(database, StorageSettings(backup_dir=folder), now=lambda: NOON).back_up()
    (folder / "holiday.sqlite3").write_text("mine")
    settings = StorageSettings(backup_dir=folder, backup_keep=2)
    for day in (0, 0, 1, 2):
        await Jobs(database, settings, now=partial(NOON.__add__, timedelta(days=day))).back_up()
    assert sorted(path.name for path in folder.iterdir()) == [
        "holiday.sqlite3",
        "kommo-telegram-2026-03-02.sqlite3",
        "kommo-telegram-2026-03-03.sqlite3",
    ]
    async with Database.open(folder / "kommo-telegram-2026-03-03.sqlite3"):
        pass  # a copy opens as a database


async def test_a_copy_that_fails_is_said_and_stops_nothing(database, tmp_path, caplog):
    """A folder that is not there is a line in the log with what to check."""
    settings = StorageSettings(backup_dir=tmp_path / "gone/deeper")
    await Jobs(database, settings, now=lambda: NOON).back_up()
    assert "check storage.backup_dir" in caplog.text


async def test_a_backup_that_fails_for_days_is_an_alert_until_it_is_made(database, tmp_path):
    """The alert has the reason; the page's and the chat's `/status` have it, too."""
    folder = tmp_path / "copies"
    settings = StorageSettings(backup_dir=folder)
    health = Health(started_at=NOON)

    async def after(days, *, is_broken):
        def now():
            return NOON + timedelta(days=days)

        if is_broken:
            shutil.rmtree(folder, ignore_errors=True)
            folder.write_text("no folder")
        else:
            folder.unlink(missing_ok=True)
        await Jobs(database, settings, health=health, now=now).back_up()
        found = await look(database, health, copies=folder, now=now)
        return [alert.text for alert in found or () if alert.key == "backup"]

    assert await after(0, is_broken=False) == []
    assert await after(1, is_broken=True) == []
    [said] = await after(3, is_broken=True)
    assert "The last backup is 3 days old" in said
    assert "Not a directory" in said or "File exists" in said
    assert await after(4, is_broken=False) == []
    assert health.backup_problem is None


async def test_without_a_folder_no_copy_is_made(database, tmp_path):
    """Copies are optional."""
    await Jobs(database, StorageSettings(), now=lambda: NOON).back_up()
    assert {path.suffix for path in tmp_path.iterdir()} <= {
        ".sqlite3",
        ".sqlite3-wal",
        ".sqlite3-shm",
    }


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        pytest.param([], [], id="none"),
        pytest.param(["kommo-telegram-2026-03-01.sqlite3"], [], id="one"),
        pytest.param(
            [f"kommo-telegram-2026-03-0{day}.sqlite3" for day in (3, 1, 2)],
            ["kommo-telegram-2026-03-01.sqlite3"],
            id="one-too-many",
        ),
        pytest.param(["a", "b", "c", "kommo-telegram-notes.txt"], [], id="foreign"),
    ],
)
def test_which_copies_are_too_old(names, gone):
    """Only our own names count, the newest stay."""
    assert too_old(names, keep=2) == gone


async def test_a_damaged_copy_is_no_backup(database, tmp_path):
    """A copy whose pages cannot be read is refused."""
    target = tmp_path / "copy.sqlite3"
    for number in range(200):
        await add(database, f"{number:0500}", at=NOON)
    await database.backup(target)
    with target.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * 4096 * 8)
    with pytest.raises(DatabaseUnavailableError):
        verify(target)
