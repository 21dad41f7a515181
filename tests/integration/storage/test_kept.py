"""The list of what is kept of a client holds every table that knows one."""

import pytest

from storage.kept import KEPT, NOBODYS, Whose
from tests.sqlite_raw import raw_writer

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
COLUMNS = "SELECT name FROM pragma_table_xinfo('{table}')"


async def names(database, sql):
    """Return what a question answers, one name a row."""
    rows = await raw_writer(database).call(lambda raw: raw.execute(sql).fetchall())
    return [row[0] for row in rows]


async def test_every_table_is_somebodys_or_nobodys(database):
    """A new table is entered into the list, or into that of tables without clients."""
    listed = {kept.table for kept in KEPT}
    assert not listed & NOBODYS
    assert listed | NOBODYS == set(await names(database, TABLES))


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
async def test_every_column_is_exported(database, kept):
    """A new column is no secret from whom it is about."""
    assert kept.columns.split(", ") == await names(database, COLUMNS.format(table=kept.table))


async def test_what_is_exported_is_what_is_erased(database, put):
    """One item with its attempt: there before, gone after."""
    whose = Whose("tg:1:2", 1, 2)
    async with database.transaction() as tx:
        await put(tx.to_telegram, "one", lane="tg:1:2")
        await put(tx.to_kommo, "other", lane="tg:1:3")
        await tx.facts.put("moved:1:2", "-100")
    async with database.snapshot() as snapshot:
        kept = await snapshot.kept.of(whose)
        assert await snapshot.kept.is_any(whose)
    assert {name: len(rows) for name, rows in kept.items() if rows} == {
        "to_telegram": 1,
        "moves": 1,
    }
    async with database.transaction() as tx:
        await tx.conversations.forget("tg:1:2", bot_id=1, chat_id=2)
    async with database.snapshot() as snapshot:
        assert not await snapshot.kept.is_any(whose)
        assert await snapshot.kept.is_any(Whose("tg:1:3", 1, 3))
