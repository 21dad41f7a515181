"""The pulse: whether a database is the one that the last run left."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.pulse import Life, Pulse
from storage.database import Database
from storage.stamp import read_stamp, stamp_path, write_stamp

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def pulse(tmp_path):
    """A pulse at noon."""
    async with Database.open(tmp_path / "bridge.sqlite3") as database:
        yield Pulse(database, lambda: NOON)


async def test_a_new_database_has_no_past(pulse):
    """Before the first run there is nothing to go on from."""
    assert await pulse.last() == Life(None, is_continued=False)


async def test_the_database_of_the_last_run_is_recognised(pulse):
    """Both signs of life agree; the one beside the database is for its owner only."""
    await pulse.beat()
    assert await pulse.last() == Life(NOON, is_continued=True)
    assert stamp_path(pulse.database.path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("beside", "is_continued"),
    [
        pytest.param((NOON + timedelta(seconds=20)).isoformat(), True, id="killed-between"),
        pytest.param((NOON + timedelta(hours=1)).isoformat(), False, id="older-copy"),
        pytest.param((NOON - timedelta(hours=1)).isoformat(), False, id="other-place"),
        pytest.param("2026-03-01T12:00:00", False, id="without-zone"),
        pytest.param("nonsense", False, id="damaged"),
        pytest.param("", False, id="empty"),
    ],
)
async def test_a_copy_is_recognised(pulse, beside, is_continued):
    """A database that is behind the sign of life beside it was put back."""
    await pulse.beat()
    write_stamp(pulse.database.path, beside)
    assert (await pulse.last()).is_continued is is_continued


async def test_a_missing_sign_makes_careful(pulse):
    """A database that was moved has no sign of life beside it."""
    await pulse.beat()
    stamp_path(pulse.database.path).unlink()
    assert await pulse.last() == Life(NOON, is_continued=False)


async def test_a_sign_that_cannot_be_left_stops_nothing(pulse):
    """Where the file cannot be written, the next start is careful."""
    stamp_path(pulse.database.path).mkdir()
    await pulse.beat()
    assert read_stamp(pulse.database.path) is None
    assert await pulse.last() == Life(NOON, is_continued=False)
