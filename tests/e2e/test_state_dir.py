"""`storage.state_dir`: what is beside the database, in a folder of its own."""

import sqlite3
import tempfile
from pathlib import Path

import pytest

from bot.receive.catch_up.schedule import CatchUpPace
from storage.location import HEARTBEAT, JOURNAL
from tests.e2e.commands import run_process

NAME = "kommo-telegram.sqlite3"
STATE = [f"{NAME}{JOURNAL}", f"{NAME}{HEARTBEAT}"]


def set_state_dir(config: Path, folder: str) -> None:
    """Name a folder in the settings file."""
    text = config.read_text("utf-8")
    config.write_text(f'{text}\n[storage]\nstate_dir = "{folder}"\n', encoding="utf-8")


def names_in(folder: Path) -> list[str]:
    """Return the names of the bridge's files in a folder."""
    return sorted(file.name for file in folder.glob(f"{NAME}*"))


@pytest.fixture
def state(config) -> Path:
    """The state folder, which nobody has made."""
    set_state_dir(config, "state")
    return Path(config.parent / "state")


async def test_what_is_beside_the_database_is_in_the_state_folder(
    state, bridge, config, ann, manager
):
    """The first start makes it, for its owner; the database's own files stay with it."""
    await ann.says("hi")
    await (await manager.answers(ann, "hello")).is_delivered()
    assert names_in(state) == sorted(STATE)
    assert not {*STATE} & {*names_in(config.parent)}
    assert state.stat().st_mode & 0o777 == 0o700
    assert all((state / name).stat().st_mode & 0o777 == 0o600 for name in STATE)


async def test_a_managers_file_lies_there_on_its_way(
    state, bridge, kommo, telegram, ann, manager, monkeypatch, eventually
):
    """The spool too is in the state folder."""
    made = []
    spool = tempfile.TemporaryFile

    def note(*args, **options):
        made.append(options["dir"])
        return spool(*args, **options)

    monkeypatch.setattr("bot.deliver.telegram.uploads.TemporaryFile", note)
    await ann.says("hi")
    url = kommo.add_attachment(b"%PDF-1.4", "price.pdf")
    await kommo.manager_sends(to=ann.conversation, type="file", media=url)
    await eventually(lambda: telegram.sent_to(ann.chat_id) != [])
    assert made == [state]


async def test_the_folder_can_be_changed_between_two_starts(
    bridge, config, telegram, kommo, ann, manager, eventually
):
    """What is beside the database comes along: the database is no copy."""
    await ann.says("hi")
    await (await manager.answers(ann, "hello")).is_delivered()
    await bridge.stop()
    missed = await kommo.manager_says("missed", to=ann.conversation, hook=False)
    set_state_dir(config, "state")
    bridge.options["pace"] = CatchUpPace(every_s=0.1, grace_s=0.0)
    await bridge.start()
    await eventually(lambda: telegram.texts_to(ann.chat_id) == ["hello", "missed"])
    await eventually(lambda: kommo.statuses_of(missed) == [1])
    assert not {*STATE} & {*names_in(config.parent)}


async def says_so(command, config):
    """Check a state folder that cannot be made."""
    set_state_dir(config, "gone/deeper")
    code, said, _errors = await command("check", "--offline")
    assert code == 1
    assert "gone/deeper" in said
    assert "storage.state_dir" in said


async def test_check_names_a_state_folder_that_takes_no_files(bridge, config, command):
    """It says which, and with which setting it is changed."""
    await bridge.stop()
    await says_so(command, config)


async def test_check_names_it_before_the_first_start_too(config, command):
    """The first start would fail."""
    await says_so(command, config)


async def test_a_start_that_cannot_use_it_says_so(config):
    """No traceback: the folder, why, and what to do."""
    (config.parent / "file").write_text("", encoding="utf-8")
    set_state_dir(config, "file/state")
    code, _said, errors = await run_process("run", config=config)
    assert code == 1
    assert "Traceback" not in errors
    assert f"cannot use {config.parent / 'file' / 'state'}" in errors
    assert "correct storage.state_dir" in errors


async def test_restore_keeps_aside_what_is_there_too(
    state, bridge, config, command, ann, manager, tmp_path
):
    """The files of the old database are named anew in their own folder; the start sees a copy."""
    await ann.says("hi")
    await (await manager.answers(ann, "hello")).is_delivered()
    copy = tmp_path / "copy.sqlite3"
    assert (await command("backup", str(copy)))[0] == 0
    await bridge.stop()
    assert (await command("restore", str(copy), "--yes"))[0] == 0
    kept = [name for name in names_in(state) if ".before-" in name]
    assert sorted(name[-6:] for name in kept) == ["-sends", ".alive"]
    assert names_in(state) == kept
    with sqlite3.connect(config.parent / NAME) as raw:
        assert raw.execute("SELECT count(*) FROM conversations").fetchone() == (1,)
