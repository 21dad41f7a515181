"""A copy is made while the service runs, and is what a restore needs."""

import shutil

from tests.e2e.commands import run_command

CONVERSATION = "tg:700001:555"


async def test_a_copy_made_while_it_runs_can_take_its_place(
    bridge, config, telegram, kommo, eventually, tmp_path
):
    """Backup, a lost database, restore: the conversation goes on, and nothing comes twice."""
    telegram.client_says("before")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["before"])
    copy = tmp_path / "copy.sqlite3"
    code, said, _errors = await run_command("backup", str(copy), config=config)
    assert (code, "verified" in said) == (0, True)
    assert copy.stat().st_mode & 0o077 == 0
    await bridge.stop()
    for path in config.parent.glob("kommo-telegram.sqlite3*"):
        path.unlink()
    shutil.copy(copy, config.parent / "kommo-telegram.sqlite3")
    await bridge.start()
    telegram.client_says("after")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["before", "after"])


async def test_a_copy_overwrites_nothing(bridge, config, tmp_path):
    """A file that is there is named, and stays as it was."""
    (tmp_path / "there").write_text("mine")
    code, _said, errors = await run_command("backup", str(tmp_path / "there"), config=config)
    assert (code, (tmp_path / "there").read_text()) == (1, "mine")
    assert "there" in errors


async def test_there_must_be_a_database(config):
    """A wrong path makes no empty copy of nothing."""
    code, _said, errors = await run_command("backup", "copy.sqlite3", config=config)
    assert code == 1
    assert "storage.path" in errors
    assert not (config.parent / "kommo-telegram.sqlite3").exists()
