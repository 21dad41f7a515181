"""The write-ahead log: brought into the file often enough, and never beside anybody's commit."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest

from storage.database import Database
from storage.sqlite import checkpoints
from storage.sqlite.connection import BUSY_TIMEOUT_S
from storage.sqlite.engine import CHECKPOINT_CHANGES, next_checkpoint
from tests.soak.commands import beside_commands
from tests.sqlite_trace import Trace, traced, unsafe


async def fill(database, put, count, *, begin=0):
    """Put items into the inbox, many in one commit."""

    async def one(number):
        async with database.transaction() as tx:
            await put(tx.to_telegram, f"item {number}")

    for first in range(begin, begin + count, 50):
        await asyncio.gather(*(one(number) for number in range(first, first + 50)))


def frames(path):
    """Return how many frames the write-ahead log has."""
    raw = sqlite3.connect(path, isolation_level=None)
    try:
        raw.execute("PRAGMA wal_autocheckpoint = 0")
        return raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    finally:
        raw.close()


async def test_the_service_checkpoints_and_nobody_commits_meanwhile(path, put):
    """Under load the log stays some megabytes, and each checkpoint holds all writers off."""
    with traced() as trace:
        async with Database.open(path, exclusive=True) as database:
            await fill(database, put, 3 * CHECKPOINT_CHANGES)
            await database.drain()
            size = path.with_name(path.name + "-wal").stat().st_size
    checkpoints = [sql for _, sql in trace.statements if "WAL_CHECKPOINT" in sql]
    assert len(checkpoints) >= 2
    assert unsafe(trace) == []
    assert size < 16 << 20


async def test_a_command_never_checkpoints_beside_the_service(path, put):
    """Whoever else opens the database leaves the log to the service, however much is written."""
    async with Database.open(path, exclusive=True):
        with traced() as trace:
            async with Database.open(path) as other:
                await fill(other, put, 2 * CHECKPOINT_CHANGES)
    assert not any("WAL_CHECKPOINT" in sql for _, sql in trace.statements)
    assert unsafe(trace) == []


async def test_while_another_process_writes_a_checkpoint_waits_for_nobody(path, put):
    """A lock of another process costs the checkpoint, not the time of who works."""
    async with Database.open(path, exclusive=True) as database:
        await fill(database, put, 50)
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("PRAGMA wal_autocheckpoint = 0")
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(BUSY_TIMEOUT_S / 2):
                assert not await database.checkpoint()
            other.execute("ROLLBACK")
        finally:
            other.close()
        assert await database.checkpoint()


async def test_a_long_reader_delays_the_log_and_nobody_else(path, put):
    """While a copy of a large database is read, writers go on at once; then the log is emptied."""
    async with Database.open(path, exclusive=True) as database:
        await fill(database, put, 50)
        reader = sqlite3.connect(path, isolation_level=None)
        try:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM inbox").fetchone()
            async with asyncio.timeout(BUSY_TIMEOUT_S / 2):
                await fill(database, put, 50, begin=50)
                assert not await database.checkpoint()
                await fill(database, put, 50, begin=100)
            reader.execute("ROLLBACK")
        finally:
            reader.close()
        assert await database.checkpoint()


@pytest.mark.parametrize(
    ("statements", "count"),
    [
        pytest.param([(0, "PRAGMA WAL_CHECKPOINT(PASSIVE)")], 1, id="beside-anybody"),
        pytest.param(
            [(0, "BEGIN IMMEDIATE"), (0, "PRAGMA WAL_CHECKPOINT(PASSIVE)")], 1, id="its-own-lock"
        ),
        pytest.param(
            [(0, "BEGIN IMMEDIATE"), (0, "COMMIT"), (1, "PRAGMA WAL_CHECKPOINT(PASSIVE)")],
            1,
            id="too-late",
        ),
        pytest.param([(0, "INSERT INTO t VALUES (1)")], 1, id="checkpoints-by-itself"),
        pytest.param(
            [(0, "BEGIN IMMEDIATE"), (1, "PRAGMA WAL_CHECKPOINT(PASSIVE)"), (0, "ROLLBACK")],
            0,
            id="safe",
        ),
    ],
)
def test_the_trace_finds_what_is_unsafe(statements, count):
    """The check itself can fail."""
    assert len(unsafe(Trace(statements=statements))) == count


@pytest.mark.parametrize(
    ("changes", "took_s", "following"),
    [
        pytest.param(500, 0.01, 500, id="as-long-as-it-may"),
        pytest.param(500, 0.1, 50, id="much-too-long"),
        pytest.param(500, 0.02, 250, id="too-long"),
        pytest.param(200, 0.001, 400, id="fast-grows-slowly"),
        pytest.param(900, 0.001, 1000, id="never-too-rarely"),
        pytest.param(50, 10.0, 50, id="never-all-the-time"),
    ],
)
def test_a_checkpoint_comes_as_often_as_the_disk_needs(changes, took_s, following):
    """A slow disk gets less to do at a time."""
    assert next_checkpoint(changes, took_s) == following


@pytest.mark.parametrize(
    ("version", "has_it"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_which_versions_have_the_bug(version, has_it):
    """Reference: SQLite, Write-Ahead Logging, The WAL Reset Bug."""
    assert checkpoints.has_reset_bug(version) is has_it


async def test_commands_beside_a_busy_service_lose_nothing(tmp_path):
    """A hundred commands of other processes write beside a thousand items a second."""
    outcome = await beside_commands(tmp_path / "bridge.sqlite3", commands=100, processes=2)
    assert outcome.integrity == "ok"
    assert outcome.missing == 0
    assert outcome.unsafe == []
    assert outcome.took < timedelta(seconds=60)
