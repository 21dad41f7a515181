"""The pulse: whether a database is the one that the last run left."""

import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from storage.database import Database
from storage.heartbeat import ALIVE_AT, BEAT, Life, Pulse
from storage.location import HEARTBEAT
from storage.stamp import read_stamp, write_stamp

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CALLS = ("open", "write", "fsync", "close", "replace")


class PowerCutError(BaseException):
    """The process is gone, whatever it had in mind."""


@pytest.fixture
async def pulse(tmp_path):
    """A pulse at noon."""
    async with Database.open(tmp_path / "bridge.sqlite3") as database:
        yield Pulse(database, lambda: NOON)


async def as_earlier_versions_left(pulse, *, beside):
    """Leave the signs of life of a version that knew moments only."""
    async with pulse.database.transaction() as tx:
        await tx.facts.put(ALIVE_AT, NOON.isoformat())
        await tx.facts.delete(BEAT)
    pulse.path.write_text(beside, encoding="ascii")


async def test_a_new_database_has_no_past(pulse):
    """Before the first run there is nothing to go on from."""
    assert await pulse.last() == Life(None, "new")


async def test_the_database_of_the_last_run_is_recognised(pulse):
    """Both signs of life agree; the one beside the database is for its owner only."""
    for _beat in range(3):
        await pulse.beat()
        assert await pulse.last() == Life(NOON, "continued")
    assert pulse.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("beats", [1, 2, 30], ids=["at-once", "soon", "later"])
async def test_a_copy_is_recognised_however_young_it_is(pulse, tmp_path, beats):
    """The clock says nothing of it: it stands still here."""
    await pulse.beat()
    await pulse.database.backup(tmp_path / "copy.sqlite3")
    for _beat in range(beats):
        await pulse.beat()
    async with Database.open(tmp_path / "copy.sqlite3") as copy:
        shutil.copy(pulse.path, copy.location.beside(HEARTBEAT))
        assert await Pulse(copy, lambda: NOON).last() == Life(NOON, "copied")


@pytest.mark.parametrize(
    ("beside", "origin"),
    [
        pytest.param(NOON.isoformat(), "continued", id="as-left"),
        pytest.param((NOON + timedelta(seconds=20)).isoformat(), "continued", id="killed-between"),
        pytest.param((NOON + timedelta(hours=1)).isoformat(), "copied", id="older-copy"),
        pytest.param((NOON - timedelta(hours=1)).isoformat(), "copied", id="other-place"),
        pytest.param("- 0123456789abcdef", "continued", id="killed-in-the-first-beat"),
        pytest.param(
            "fedcba9876543210 0123456789abcdef", "copied", id="copy-of-before-the-upgrade"
        ),
        pytest.param("2026-03-01T12:00:00", "unknown", id="without-zone"),
        pytest.param("nonsense", "unknown", id="damaged"),
        pytest.param("\0" * 33, "unknown", id="zeros"),
        pytest.param("", "unknown", id="empty"),
    ],
)
async def test_an_upgrade_goes_on(pulse, beside, origin):
    """Earlier versions left moments; a file that a power cut emptied is no sign of a copy."""
    await as_earlier_versions_left(pulse, beside=beside)
    assert await pulse.last() == Life(NOON, origin)
    await pulse.beat()
    assert await pulse.last() == Life(NOON, "continued")


async def test_a_missing_sign_makes_careful(pulse):
    """A database that was moved has no sign of life beside it."""
    await pulse.beat()
    pulse.path.unlink()
    assert await pulse.last() == Life(NOON, "copied")


async def test_a_sign_that_cannot_be_left_stops_nothing(pulse):
    """Where the file cannot be written, the next start is careful."""
    pulse.path.mkdir()
    await pulse.beat()
    assert read_stamp(pulse.path) is None
    assert await pulse.last() == Life(NOON, "copied")


async def test_a_full_disk_leaves_the_sign_that_was_there(pulse, monkeypatch):
    """What is in the database goes on to fit what is beside it."""
    await pulse.beat()

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for _beat in range(3):
        await pulse.beat()
        assert await pulse.last() == Life(NOON, "continued")


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(17))
@pytest.mark.parametrize("left", ["beats", "moments"])
async def test_the_power_may_go_at_any_moment(pulse, monkeypatch, number, is_done, left):
    """Before or after each call of the system, the database is recognised at the next start."""
    if left == "beats":
        await pulse.beat()
    else:
        await as_earlier_versions_left(pulse, beside=NOON.isoformat())
    made = interrupt(monkeypatch, number, is_done=is_done)
    try:
        await pulse.beat()
    except PowerCutError:
        assert len(made) > number
    monkeypatch.undo()
    assert await pulse.last() == Life(NOON, "continued")
    await pulse.beat()
    assert await pulse.last() == Life(NOON, "continued")


def interrupt(monkeypatch, number, *, is_done):
    """End the process before or after one of the calls; return the names of those made."""
    made = []

    def around(name, call):
        def act(*arguments, **options):
            made.append(name)
            if len(made) - 1 == number:
                if is_done:
                    call(*arguments, **options)
                raise PowerCutError
            return call(*arguments, **options)

        return act

    for name in CALLS:
        monkeypatch.setattr(os, name, around(name, getattr(os, name)))
    return made


def test_content_is_on_disk_before_its_name(tmp_path, monkeypatch):
    """A rename that comes first would leave an empty file after a power cut."""
    made = interrupt(monkeypatch, 99, is_done=True)
    assert write_stamp(tmp_path / "bridge.sqlite3", "sign")
    assert made == ["open", "write", "fsync", "close", "replace", "open", "fsync", "close"]


def test_a_write_that_takes_a_part_is_gone_on_with(tmp_path, monkeypatch):
    """A file is either whole or not there."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:3]))
    assert write_stamp(tmp_path / "bridge.sqlite3", "a longer sign")
    assert read_stamp(tmp_path / "bridge.sqlite3") == "a longer sign"
