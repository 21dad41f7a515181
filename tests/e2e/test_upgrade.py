"""Upgrades and ways back: a database of an earlier version, a later one, a restored copy."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from bot.operate.forget import media_links
from bot.settings import load
from bot.translate.files import file_at
from storage.sqlite.connection import connect
from storage.sqlite.schema import migrate, migrations
from tests.e2e.commands import run_command, run_process
from tests.e2e.conftest import Bridge

CONVERSATION = "tg:700001:555"
ANN = 555
FILE = bytes(range(256)) * 100


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


@pytest.fixture
async def waiting_file(config, telegram, kommo, eventually):
    """A bridge that stopped while a client's file waited for Kommo."""
    bridge = Bridge(config)
    kommo.is_down, kommo.fetch_media = True, True
    await bridge.start()
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "plan.bin")))
    await eventually(lambda: payloads(config))
    await bridge.stop()
    kommo.is_down = False
    yield bridge
    await bridge.stop()


async def test_a_file_that_waited_through_an_upgrade_can_be_fetched(
    waiting_file, config, kommo, eventually
):
    """Earlier versions stored the link of a file; a new one is made when it is delivered."""
    stored_as_before(config, made_at=datetime.now(UTC) - timedelta(days=90))
    await waiting_file.start()
    await eventually(lambda: kommo.fetched)
    assert [(one.status, one.size) for one in kommo.fetched] == [(200, len(FILE))]


async def test_a_file_that_waited_is_offered_where_the_bridge_is_now(
    waiting_file, config, kommo, eventually
):
    """A new public address holds for what waits, too."""
    text = config.read_text(encoding="utf-8")
    moved = text.replace('public_url = "http://127.0.0.1', 'public_url = "http://localhost')
    config.write_text(moved, encoding="utf-8")
    await waiting_file.start()
    await eventually(lambda: CONVERSATION in kommo.conversations)
    [message] = kommo.messages_in(CONVERSATION)
    assert message.content["media"].startswith("http://localhost")


def payloads(config):
    """Return what waits for Kommo."""
    path = config.parent / "kommo-telegram.sqlite3"
    with closing(sqlite3.connect(path)) as raw:
        return [json.loads(row[0]) for row in raw.execute("SELECT payload FROM outbox")]


def stored_as_before(config, *, made_at):
    """Put links that earlier versions made at a time into the place of the files."""
    settings = load(config, {})
    links = media_links(settings, now=lambda: made_at)
    path = config.parent / "kommo-telegram.sqlite3"
    with closing(sqlite3.connect(path)) as raw, raw:
        for item_id, payload in raw.execute("SELECT id, payload FROM outbox").fetchall():
            message = json.loads(payload)
            named = file_at(message["content"]["media"])
            assert named is not None
            message["content"]["media"] = links.url(named.bot_id, named.file)
            raw.execute(
                "UPDATE outbox SET payload = ? WHERE id = ?", (json.dumps(message), item_id)
            )
