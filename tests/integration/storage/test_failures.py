"""When the disk is full, read-only or broken: who is told, and that it goes on afterwards."""

import asyncio
import sqlite3

import pytest

from storage.database import Database
from storage.errors import DatabaseStalledError, DatabaseUnavailableError
from storage.sqlite.connection import connect

BIG = "x" * 200_000


@pytest.fixture
def disk(on_writer):
    """Make the disk full, and free it again."""

    class Disk:
        async def is_full(self, database):
            def limit(raw):
                ((pages,),) = raw.execute("PRAGMA page_count").fetchall()
                raw.execute(f"PRAGMA max_page_count = {pages + 8}")

            await on_writer(database, limit)

        async def is_free(self, database):
            await on_writer(database, lambda raw: raw.execute("PRAGMA max_page_count = 1000000"))

    return Disk()


@pytest.fixture
def grow():
    """Return a transaction that stores a note of some size."""

    async def store(database, key, value=BIG):
        async with database.transaction() as tx:
            await tx.facts.put(key, value)

    return store


async def test_a_full_disk_is_said_and_survived(database, disk, grow):
    """What does not fit is refused with the remedy, and works again when there is room."""
    await disk.is_full(database)
    with pytest.raises(DatabaseUnavailableError, match="free some space"):
        await grow(database, "big")
    await grow(database, "small", "fits")
    await disk.is_free(database)
    await grow(database, "big")
    async with database.snapshot() as snapshot:
        assert await snapshot.facts.get("small") == "fits"
        assert await snapshot.facts.get("big") == BIG


async def test_a_full_disk_refuses_only_what_does_not_fit(database, disk, grow):
    """Each of many callers learns its own fate, and it is true."""
    await disk.is_full(database)
    values = ["fits", BIG, "fits too", BIG, "fits as well"]
    results = await asyncio.gather(
        *(grow(database, f"{number}", value) for number, value in enumerate(values)),
        return_exceptions=True,
    )
    async with database.snapshot() as snapshot:
        for number, result in enumerate(results):
            stored = await snapshot.facts.get(f"{number}")
            assert stored == (values[number] if result is None else None)
    assert any(isinstance(result, DatabaseUnavailableError) for result in results)


def undoes_all(raw):
    """Make SQLite undo the whole transaction, as it may when writing fails."""
    raw.execute("INSERT OR ROLLBACK INTO notes VALUES ('there', '')")


class TestUndoneBySqlite:
    """SQLite may undo everybody's work by itself: everybody is told, nothing is half done."""

    @pytest.fixture(autouse=True)
    async def _there(self, database, grow):
        await grow(database, "there", "")

    async def test_all_members_are_told(self, database, put, keys, on_writer):
        """Those before the failure fail with it, those after it do not."""

        async def one(number):
            async with database.transaction() as tx:
                await put(tx.to_telegram, f"{number}")
                if number == 1:
                    await on_writer(database, undoes_all)

        results = await asyncio.gather(*(one(n) for n in range(4)), return_exceptions=True)
        assert [type(result) for result in results] == [
            DatabaseStalledError,
            sqlite3.IntegrityError,
            type(None),
            type(None),
        ]
        assert keys() == ["2", "3"]

    @pytest.mark.parametrize("before", [0, 1], ids=["alone", "in-a-group"])
    async def test_nobody_goes_on_alone(self, database, put, keys, on_writer, before):
        """A block that overlooks the failure cannot commit its second half."""

        async def first():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "first")

        async def overlooks():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "half")
                with pytest.raises(sqlite3.IntegrityError):
                    await on_writer(database, undoes_all)
                with pytest.raises(DatabaseStalledError):
                    await put(tx.to_telegram, "other half")

        earlier = [first() for _ in range(before)]
        results = await asyncio.gather(*earlier, overlooks(), return_exceptions=True)
        assert {type(result) for result in results} == {DatabaseStalledError}
        assert keys() == []
        async with database.transaction() as tx:
            await put(tx.to_telegram, "after")
        assert keys() == ["after"]

    async def test_the_next_in_the_group_is_told_too(self, database, put, keys, on_writer):
        """One that begins in a group that was lost does not begin."""

        async def overlooks():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "one")
                with pytest.raises(sqlite3.IntegrityError):
                    await on_writer(database, undoes_all)

        async def follows():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "two")

        results = await asyncio.gather(overlooks(), follows(), return_exceptions=True)
        assert {type(result) for result in results} == {DatabaseStalledError}
        assert keys() == []


async def test_half_a_block_that_cannot_be_undone_is_not_committed(
    database, path, put, keys, on_writer
):
    """When undoing one block fails, its group is given up rather than its half kept."""

    async def first():
        async with database.transaction() as tx:
            await put(tx.to_telegram, "first")

    async def fails():
        async with database.transaction() as tx:
            await put(tx.to_telegram, "half")
            await on_writer(database, lambda raw: raw.execute("RELEASE body"))
            raise ZeroDivisionError

    results = await asyncio.gather(first(), fails(), return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseStalledError, ZeroDivisionError]
    with sqlite3.connect(path, timeout=0) as other:
        other.execute("INSERT INTO notes VALUES ('nobody', 'holds the lock')")
    other.close()
    async with database.transaction() as tx:
        await put(tx.to_telegram, "after")
    assert keys() == ["after"]


async def test_a_commit_that_fails_fails_for_all(database, put, keys, on_writer):
    """When the commit itself is refused, nobody believes to be stored."""
    await on_writer(
        database,
        lambda raw: raw.executescript(
            "CREATE TEMP TABLE parents (id INTEGER PRIMARY KEY);"
            "CREATE TEMP TABLE children (id INTEGER REFERENCES parents (id) "
            "DEFERRABLE INITIALLY DEFERRED);"
        ),
    )

    async def one(number):
        async with database.transaction() as tx:
            await put(tx.to_telegram, f"{number}")
            if number == 2:
                await on_writer(
                    database, lambda raw: raw.execute("INSERT INTO children VALUES (1)")
                )

    results = await asyncio.gather(*(one(n) for n in range(4)), return_exceptions=True)
    assert {type(result) for result in results} == {DatabaseUnavailableError}
    assert keys() == []
    await one(1)
    assert keys() == ["1"]


async def test_a_read_only_database_is_said(database, grow, on_writer):
    """A file system that became read-only is named as the reason, and its end noticed."""
    await on_writer(database, lambda raw: raw.execute("PRAGMA query_only = ON"))
    with pytest.raises(DatabaseUnavailableError, match="writable for this user"):
        await grow(database, "key", "value")
    await on_writer(database, lambda raw: raw.execute("PRAGMA query_only = OFF"))
    await grow(database, "key", "value")


async def test_a_snapshot_cannot_write(path):
    """Nothing that reads can change what is stored."""
    async with connect(path, read_only=True) as reader:
        with pytest.raises(DatabaseUnavailableError, match="readonly"):
            await reader.rows("CREATE TABLE t (x INTEGER)")


async def test_another_writer_that_does_not_end(path, grow, monkeypatch):
    """A lock that another process keeps is waited for, not for ever, and then named."""
    monkeypatch.setattr("storage.sqlite.connection.BUSY_TIMEOUT_S", 0.05)
    async with Database.open(path) as database:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(DatabaseUnavailableError, match="another process"):
                await grow(database, "key", "value")
        finally:
            other.close()
        await grow(database, "key", "value")


async def test_a_start_that_is_refused_can_be_overlooked_by_nobody(path, monkeypatch, put, keys):
    """A block that overlooks that it could not begin is no half of anything."""
    monkeypatch.setattr("storage.sqlite.connection.BUSY_TIMEOUT_S", 0.05)
    async with Database.open(path) as database:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with database.transaction() as tx:
            with pytest.raises(DatabaseUnavailableError):
                await put(tx.to_telegram, "one")
            other.close()
            await put(tx.to_telegram, "two")
    assert keys() == ["two"]


async def test_a_closed_database_says_so(path, put):
    """What comes too late is told, not left waiting."""
    async with Database.open(path) as database:
        pass
    with pytest.raises(DatabaseUnavailableError, match="is closed"):
        async with database.transaction() as tx:
            await put(tx.to_telegram, "late")
    with pytest.raises(DatabaseUnavailableError, match="is closed"):
        async with database.snapshot() as snapshot:
            await snapshot.to_telegram.counts()


async def test_a_wrong_statement_is_a_bug(database):
    """A mistake of ours is not taken for a failing disk."""
    with pytest.raises(sqlite3.ProgrammingError):
        async with database.transaction() as tx:
            await tx.facts._session.rows("SELECT :missing")


async def test_many_do_not_wait_for_another_writer_one_after_another(path, put, monkeypatch):
    """Each waits as long as it may, together with the others: a webhook is answered in time."""
    monkeypatch.setattr("storage.sqlite.connection.BUSY_TIMEOUT_S", 0.4)

    async def store(database, number):
        async with database.transaction() as tx:
            await put(tx.to_telegram, f"item {number}")

    async with Database.open(path) as database:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            async with asyncio.timeout(2):
                failures = await asyncio.gather(
                    *(store(database, number) for number in range(20)), return_exceptions=True
                )
        finally:
            other.close()
    assert {type(failure) for failure in failures} == {DatabaseStalledError}
