"""Upgrades and ways back: a database of an earlier version, a later one, a restored copy."""

import sqlite3

import pytest

from storage.sqlite.connection import connect
from storage.sqlite.schema import migrate, migrations
from tests.e2e.commands import run_command, run_process
from tests.e2e.conftest import Bridge

CONVERSATION = "tg:700001:555"
ANN = 555


@pytest.fixture
async def previous_database(config):
    """A database that the version before this one left."""
    path = config.parent / "kommo-telegram.sqlite3"
    async with connect(path) as connection:
        await migrate(connection, migrations()[:-1])
    return path


async def test_a_database_of_the_version_before_goes_on(
    previous_database, bridge, telegram, kommo, eventually
):
    """After an upgrade, the first start brings the database up to date, and all works."""
    telegram.client_says("after the upgrade")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await kommo.manager_says("welcome back", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["welcome back"])


async def test_a_database_of_a_later_version_is_refused_in_words(previous_database, config):
    """After a way back without the copy, nothing is touched, and the remedy is named."""
    with sqlite3.connect(previous_database) as raw:
        raw.execute("INSERT INTO schema_migrations VALUES (9999, 'future')")
    raw.close()
    before = previous_database.read_bytes()
    code, _, errors = await run_process("run", config=config)
    assert code == 1
    assert "restore the backup made before the upgrade" in errors
    assert "Traceback" not in errors
    assert previous_database.read_bytes() == before


async def test_a_restored_copy_goes_on_where_it_was_made(config, telegram, kommo, eventually):
    """What came after the copy was made is not sent again; what comes next arrives."""
    bridge = Bridge(config)
    await bridge.start()
    telegram.client_says("before the copy")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    copy = config.parent / "copy.sqlite3"
    assert (await run_command("backup", str(copy), config=config))[0] == 0
    telegram.client_says("after the copy")
    await eventually(lambda: len(kommo.texts_in(CONVERSATION)) == 2)
    await bridge.stop()
    for file in config.parent.glob("kommo-telegram.sqlite3*"):
        file.unlink()
    copy.rename(config.parent / "kommo-telegram.sqlite3")
    await bridge.start()
    telegram.client_says("after the restore")
    expected = ["before the copy", "after the copy", "after the restore"]
    await eventually(lambda: kommo.texts_in(CONVERSATION) == expected)
    await bridge.stop()
