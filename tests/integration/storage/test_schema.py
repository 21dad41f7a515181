"""Migrations: every one, in order, once; a newer database is refused."""

import sqlite3

import pytest

from storage.database import Database
from storage.errors import SchemaTooNewError
from storage.sqlite.connection import connect
from storage.sqlite.schema import Migration, migrate, migrations

ONE = Migration(1, "one", "CREATE TABLE one (x INTEGER);")
TWO = Migration(2, "two", "-- with; a comment\nCREATE TABLE two (x INTEGER);\nDROP TABLE one;\n")
BROKEN = Migration(3, "broken", "CREATE TABLE three (x INTEGER);\nCREATE NONSENSE;\n")


async def _tables(connection):
    rows = await connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name for (name,) in rows} - {"schema_migrations", "sqlite_sequence"}


async def _applied(connection):
    return await connection.rows("SELECT number, name FROM schema_migrations ORDER BY number")


def test_migrations_are_numbered_once():
    """Each migration has a number of its own, and they come in order."""
    numbers = [migration.number for migration in migrations()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


@pytest.mark.parametrize("known", range(len(migrations())), ids=lambda n: f"from-{n}")
async def test_every_version_can_be_upgraded(path, put, known):
    """A database left by any earlier version opens and works."""
    if known:
        async with connect(path) as connection:
            await migrate(connection, migrations()[:known])
    async with Database.open(path) as database, database.transaction() as tx:
        assert await put(tx.to_telegram, "one") == 1


async def test_opening_again_changes_nothing(path):
    """A database that is up to date is not written to."""
    async with Database.open(path):
        pass
    before = path.read_bytes()
    async with Database.open(path):
        pass
    assert path.read_bytes() == before


async def test_migrations_are_applied_in_order_and_once(path):
    """What is there is not repeated; what is missing comes in order."""
    async with connect(path) as connection:
        await migrate(connection, [ONE])
        await migrate(connection, [ONE, TWO])
        await migrate(connection, [ONE, TWO])
        assert await _tables(connection) == {"two"}
        assert await _applied(connection) == [(1, "one"), (2, "two")]


async def test_a_migration_that_was_skipped_is_made_up_for(path):
    """A lower number that came later is applied all the same."""
    late = Migration(1, "late", "CREATE TABLE late (x INTEGER);")
    second = Migration(2, "second", "CREATE TABLE second (x INTEGER);")
    async with connect(path) as connection:
        await migrate(connection, [second])
        await migrate(connection, [late, second])
        assert await _tables(connection) == {"late", "second"}


async def test_a_migration_that_fails_leaves_nothing(path):
    """An upgrade happens as a whole or not at all."""
    async with connect(path) as connection:
        await migrate(connection, [ONE])
        with pytest.raises(Exception, match="NONSENSE"):
            await migrate(connection, [ONE, TWO, BROKEN])
        assert await _tables(connection) == {"one"}
        assert await _applied(connection) == [(1, "one")]


async def test_the_last_semicolon_may_be_missing(path):
    """No statement of a migration is left out, nor a comment at its end taken for one."""
    sql = "CREATE TABLE one (x INTEGER); -- first\nCREATE TABLE two (x INTEGER)\n-- the end"
    async with connect(path) as connection:
        await migrate(connection, [Migration(1, "open", sql)])
        assert await _tables(connection) == {"one", "two"}


async def test_a_step_of_another_program_is_refused(path):
    """A step that this program does not know is refused, also below its own newest."""
    third = Migration(3, "third", "CREATE TABLE third (x INTEGER);")
    async with connect(path) as connection:
        await migrate(connection, [ONE, TWO])
        with pytest.raises(SchemaTooNewError, match="version 2"):
            await migrate(connection, [ONE, third])
        assert await _applied(connection) == [(1, "one"), (2, "two")]


async def test_a_newer_database_is_refused(path):
    """An older program does not touch what a newer one wrote, and says what to do."""
    async with Database.open(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'future')")
    connection.close()
    with pytest.raises(SchemaTooNewError, match=r"9999.*run the newer program"):
        async with Database.open(path):
            pass
