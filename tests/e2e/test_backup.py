"""A copy is made while the service runs, and is what a restore needs."""

import shutil

import pytest

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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("there", "exists already", id="file"),
        pytest.param("folder", "is a folder; name a new file in it", id="folder"),
        pytest.param("none/copy", "its folder does not exist; create it", id="no-folder"),
        pytest.param("there/copy", "name a file that this user may create", id="file-as-folder"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--with-settings"]], ids=["alone", "with-settings"])
async def test_a_copy_overwrites_nothing(bridge, config, tmp_path, name, said, options):
    """What is wrong with the name is said, with what to do; what is there stays as it was."""
    (tmp_path / "there").write_text("mine")
    (tmp_path / "folder").mkdir()
    code, _said, errors = await run_command(
        "backup", *options, str(tmp_path / name), config=config
    )
    assert (code, (tmp_path / "there").read_text()) == (1, "mine")
    assert said in errors
    assert name.split("/")[0] in errors
    assert [*tmp_path.rglob("*.toml"), *tmp_path.rglob("*.part")] == [config]


async def test_the_settings_may_be_saved_with_it(bridge, config, tmp_path):
    """They are beside the copy, as they are, for their owner only."""
    copy = tmp_path / "copy.sqlite3"
    code, said, _errors = await run_command("backup", "--with-settings", str(copy), config=config)
    saved = tmp_path / "copy.sqlite3.toml"
    assert (code, saved.read_bytes()) == (0, config.read_bytes())
    assert saved.stat().st_mode & 0o777 == 0o600
    assert str(saved) in said
    assert not list(tmp_path.glob("*.part"))


async def test_settings_of_another_copy_are_not_overwritten(bridge, config, tmp_path):
    """Neither of the two files is written where one of them is there."""
    (tmp_path / "copy.sqlite3.toml").write_text("mine")
    copy = tmp_path / "copy.sqlite3"
    code, _said, errors = await run_command("backup", "--with-settings", str(copy), config=config)
    assert (code, copy.exists()) == (1, False)
    assert "copy.sqlite3.toml" in errors
    assert (tmp_path / "copy.sqlite3.toml").read_text() == "mine"


async def test_there_must_be_a_database(config):
    """A wrong path makes no empty copy of nothing."""
    code, _said, errors = await run_command("backup", "copy.sqlite3", config=config)
    assert code == 1
    assert "storage.path" in errors
    assert not (config.parent / "kommo-telegram.sqlite3").exists()
