"""`restore`: an earlier copy takes the database's place, and the bridge goes on from there."""

import os
import sqlite3

import pytest

from tests.e2e.commands import run_command, run_process

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.fixture
async def copy(bridge, config, telegram, kommo, eventually, tmp_path):
    """A copy that lacks one message each way; the bridge is stopped."""
    telegram.client_says("before the copy")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    file = tmp_path / "copy.sqlite3"
    code, _said, errors = await run_command("backup", "--with-settings", str(file), config=config)
    assert code == 0, errors
    telegram.client_says("after the copy")
    await kommo.manager_says("an answer", to=CONVERSATION)
    await eventually(lambda: len(kommo.texts_in(CONVERSATION)) >= 2)
    await eventually(lambda: telegram.texts_to(ANN) == ["an answer"])
    await bridge.stop()
    return file


async def test_the_bridge_goes_on_from_the_copy(copy, bridge, config, telegram, kommo, eventually):
    """What the copy lacks is counted; nothing comes twice; what comes next arrives."""
    code, said, errors = await run_command("restore", str(copy), "--yes", config=config)
    assert (code, errors) == (0, "")
    assert "The backup holds 1 conversation, up to " in said
    assert "Since then: 1 message from clients, 1 message to clients, 0 new conversations" in said
    assert f"{copy}.toml" in said
    (kept,) = config.parent.glob("kommo-telegram.sqlite3.before-*Z")
    assert str(kept) in said
    await bridge.start()
    telegram.client_says("after the restore")
    await eventually(lambda: "after the restore" in kommo.texts_in(CONVERSATION))
    texts = ["before the copy", "after the copy", "after the restore"]
    assert [text for text in kommo.texts_in(CONVERSATION) if text in texts] == texts
    assert telegram.texts_to(ANN) == ["an answer"]


async def test_it_is_refused_while_the_service_runs(process, config, tmp_path):
    """The remedy is named, and nothing is touched."""
    await process.start()
    copy = tmp_path / "copy.sqlite3"
    assert (await run_command("backup", str(copy), config=config))[0] == 0
    before = sorted(file.name for file in tmp_path.iterdir())
    code, said, errors = await run_process("restore", str(copy), "--yes", config=config)
    assert (code, said) == (1, "")
    assert "sudo systemctl stop kommo-telegram" in errors
    assert sorted(file.name for file in tmp_path.iterdir() if file.name in before) == before
    await process.until_healthy()


async def test_who_says_no_keeps_everything(copy, config):
    """The question comes after the counts; without an answer nothing is done."""
    database = config.parent / "kommo-telegram.sqlite3"
    before = database.read_bytes()
    code, said, errors = await run_process("restore", str(copy), config=config)
    assert code == 1
    assert "Since then" in said
    assert "Replace" in errors
    assert database.read_bytes() == before
    assert not list(config.parent.glob("*.before-*"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "No such file", id="none"),
        pytest.param(b"no database" * 999, "name another backup", id="nonsense"),
        pytest.param(b"", "no database of kommo-telegram", id="empty"),
    ],
)
async def test_what_is_no_backup_is_refused_in_words(copy, config, tmp_path, content, said):
    """A wrong file changes nothing."""
    before = (config.parent / "kommo-telegram.sqlite3").read_bytes()
    file = tmp_path / "wrong"
    if content is not None:
        file.write_bytes(content)
    code, _said, errors = await run_command("restore", str(file), "--yes", config=config)
    assert code == 1
    assert said in errors
    assert (config.parent / "kommo-telegram.sqlite3").read_bytes() == before


async def test_a_newer_backup_is_refused(copy, config):
    """An older program must not start on it."""
    with sqlite3.connect(copy) as raw:
        raw.execute("INSERT INTO schema_migrations VALUES (9999, 'future')")
    raw.close()
    code, _said, errors = await run_command("restore", str(copy), "--yes", config=config)
    assert code == 1
    assert "newer version" in errors


async def test_it_makes_the_folder_on_another_machine(copy, config, tmp_path):
    """Where the service was never started there is no folder yet."""
    moved = config.with_name("moved.toml")
    path = tmp_path / "state" / "kommo-telegram.sqlite3"
    moved.write_text(config.read_text() + f'[storage]\npath = "{path}"\n')
    code, said, errors = await run_command("restore", str(copy), "--yes", config=moved)
    assert (code, errors) == (0, "")
    assert "There is no database at" in said
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_uid == os.geteuid()
