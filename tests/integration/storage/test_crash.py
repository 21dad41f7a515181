"""kill -9 at any moment: nothing half written, nothing confirmed is lost."""

import asyncio
import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from storage.database import Database

ROOT = Path(__file__).parents[3]

PREFIX = """
import asyncio, os, pathlib, signal, sys
from datetime import UTC, datetime, timedelta
from storage.database import Database
from storage.queue.producer import Draft
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
def die():
    os.kill(os.getpid(), signal.SIGKILL)
async def add(queue, key, lane):
    return await queue.add(Draft(dedupe_key=key, ordering_key=lane, kind="k", payload="{}"),
                           now=NOW, expires_at=NOW + timedelta(hours=1))
"""

MIDWAY = """
async def main():
    async with Database.open(pathlib.Path(sys.argv[1]), exclusive=True) as database:
        async with database.transaction() as tx:
            await add(tx.to_telegram, "whole", "a")
            await tx.facts.put("whole", "1")
        async with database.transaction() as tx:
            await add(tx.to_telegram, "half", "a")
            die()
asyncio.run(main())
"""

UNDER_WAY = """
async def main():
    async with Database.open(pathlib.Path(sys.argv[1]), exclusive=True) as database:
        async with database.transaction() as tx:
            await add(tx.to_telegram, "a1", "a")
            await add(tx.to_telegram, "a2", "a")
        async with database.transaction() as tx:
            await tx.to_telegram.take(now=NOW, limit=1)
        die()
asyncio.run(main())
"""

UPGRADE = """
from storage.sqlite.connection import connect
from storage.sqlite.schema import Migration, migrate, migrations
async def main():
    async with connect(pathlib.Path(sys.argv[1])) as connection:
        await connection.call(lambda raw: raw.create_function("die", 0, die))
        half = Migration(9999, "half", "CREATE TABLE half (x INTEGER);\\nSELECT die();")
        await migrate(connection, [*migrations(), half])
asyncio.run(main())
"""

BUSY = """
async def one(database, number):
    async with database.transaction() as tx:
        await add(tx.to_telegram, f"{number}", f"{number % 10}")
        await tx.facts.put(f"{number}", "with its item")
    os.write(1, f"{number}\\n".encode())
async def main():
    async with Database.open(pathlib.Path(sys.argv[1]), exclusive=True) as database:
        for start in range(0, 10**6, 20):
            await asyncio.gather(*(one(database, start + number) for number in range(20)))
asyncio.run(main())
"""


async def test_a_crash_between_statements_leaves_nothing(path, python, keys):
    """Of a transaction that was cut off, nothing is there; of the one before it, all."""
    assert python(PREFIX + MIDWAY, path).returncode == -signal.SIGKILL
    async with Database.open(path, exclusive=True) as database, database.snapshot() as snapshot:
        assert await snapshot.facts.get("whole") == "1"
    assert keys() == ["whole"]


async def test_an_upgrade_that_was_cut_off_never_was(path, python, put, keys):
    """A database whose upgrade was killed midway opens as it was before."""
    async with Database.open(path) as database, database.transaction() as tx:
        await put(tx.to_telegram, "one")
    assert python(PREFIX + UPGRADE, path).returncode == -signal.SIGKILL
    async with Database.open(path) as database, database.transaction() as tx:
        await put(tx.to_telegram, "two")
    assert keys() == ["one", "two"]


async def test_an_attempt_that_was_cut_off_is_made_again(path, python, noon):
    """What was being delivered when the process died is due again, known as uncertain."""
    python(PREFIX + UNDER_WAY, path)
    async with Database.open(path, exclusive=True) as database, database.transaction() as tx:
        assert await tx.to_telegram.take(now=noon + timedelta(hours=9), limit=9) == []
        assert await tx.to_telegram.recover(now=noon) == 1
        (item,) = await tx.to_telegram.take(now=noon, limit=9)
    assert (item.dedupe_key, item.is_uncertain, item.attempts) == ("a1", True, 2)


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_confirmed_survives_a_kill(path, keys, seed):
    """Killed anywhere in full work, the database has all that was confirmed, and no halves."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PREFIX + BUSY, str(path), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    await asyncio.sleep(random.Random(seed).uniform(0.0, 0.3))
    process.kill()
    rest, _ = await process.communicate()
    confirmed = (first + rest).decode().split()
    async with Database.open(path, exclusive=True) as database, database.snapshot() as snapshot:
        stored = keys()
        for key in stored:
            assert await snapshot.facts.get(key) == "with its item"
    assert set(confirmed) <= set(stored)
    assert len(set(stored)) == len(stored)
