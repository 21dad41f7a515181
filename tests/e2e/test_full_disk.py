"""A disk without a byte left: a command says so in a line, and loses nothing.

The disk is a small file system in memory. Reference: mount(8), tmpfs.
"""

import contextlib
import io
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from bot.operate import dead_items, forget
from storage.conversations import Conversation
from storage.database import Database
from storage.queue.producer import Draft
from tests.e2e.commands import run_command
from tests.e2e.conftest import TOKEN
from tests.e2e.exports import chat, message, written
from tests.e2e.test_commands_write import ARGUMENTS, CONVERSATION

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PAYLOAD = "x" * 20_000
DATABASE = "kommo-telegram.sqlite3"
OTHERS = {
    "history",
    "templates push",
    "connect",
    "disconnect",
    "sources list",
    "sources sync",
    "templates list",
    "healthcheck",
}
"""What asks other servers and stores nothing."""

COMMANDS = {
    **{name: given for name, given in ARGUMENTS.items() if name not in OTHERS},
    "backup": ["{disk}/another.sqlite3"],
    "backup --with-settings": ["{disk}/another.sqlite3"],
    "check": ["--offline"],
    "widget": ["{disk}/widget.zip"],
}
REMEDIES = ("free some", "No space left", "is not blocked", "stop what uses it")
"""What a line may name: room, or, before a restore, that somebody has the database open."""

MAY_SUCCEED = {"check", "config show", "queue list", "chats list", "trace", "export"}
"""They only read."""


def _mount(folder):
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    return not os.geteuid() and bool(shutil.which("mount")) and not subprocess.call(command)


@pytest.fixture
def disk(tmp_path):
    """A small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not _mount(folder):
        pytest.skip("needs root, and mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
async def full(disk, config, tmp_path):
    """A full disk with settings and a database, and a backup elsewhere; returns the settings."""
    file = disk / "config.toml"
    file.write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    file.chmod(0o600)
    async with Database.open(disk / DATABASE, exclusive=True) as database:
        async with database.transaction() as tx:
            await tx.conversations.remember(Conversation(CONVERSATION, 700001, 555, "Ann", NOON))
        for number in range(8):
            async with database.transaction() as tx:
                draft = Draft(
                    f"{number}",
                    ordering_key=CONVERSATION,
                    conversation_id=CONVERSATION,
                    kind="manager_message",
                    payload=PAYLOAD,
                )
                await tx.to_telegram.add(draft, now=NOON, expires_at=NOON + timedelta(days=999))
        await database.backup(tmp_path / "copy.sqlite3")
    (tmp_path / "templates.toml").write_text("[[templates]]\n", encoding="utf-8")
    written(tmp_path / "export", chat(message(1, "old")))
    return file


def fill(disk):
    """Leave nothing free."""
    with (disk / "filler").open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))


def files_of(disk):
    """Return the files that are neither SQLite's own nor locks, which hold nothing."""
    ends = ("-wal", "-shm", ".lock")
    return {path.name for path in disk.iterdir() if not path.name.endswith(ends)}


def items_in(file):
    """Return what waits, from a sound database."""
    with contextlib.closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return raw.execute("SELECT id, state, payload FROM inbox ORDER BY id").fetchall()


@pytest.mark.parametrize("is_used", [False, True], ids=["alone", "beside-another"])
async def test_no_command_loses_anything_on_a_full_disk(
    disk, full, tmp_path, is_used, monkeypatch
):
    """Each ends with a line; when there is room again, all is as it was."""
    for module in (dead_items, forget):
        monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    before = items_in(disk / DATABASE)
    wrong = []
    with contextlib.closing(sqlite3.connect(disk / DATABASE, isolation_level=None)) as other:
        if is_used:  # as the service does, so that there is a log
            other.execute("PRAGMA wal_autocheckpoint = 0")
            other.execute("UPDATE inbox SET attempts = attempts")
        fill(disk)
        names = files_of(disk)
        for name, arguments in COMMANDS.items():
            given = [each.format(folder=tmp_path, disk=disk) for each in arguments]
            code, said, errors = await run_command(*name.split(), *given, config=full)
            told = said if name == "check" else errors
            is_told = code == 0 or (
                code == 1
                and any(word in told for word in REMEDIES)
                and not any(word in told for word in ("Traceback", "the output"))
            )
            is_allowed = code != 0 or name in MAY_SUCCEED
            if not (is_told and is_allowed):
                wrong.append((name, code, said, errors))
            assert files_of(disk) == names, name
    assert wrong == []
    (disk / "filler").unlink()
    assert items_in(disk / DATABASE) == before
    assert (await run_command("queue", "list", config=full))[0] == 0


async def test_a_copy_elsewhere_can_be_made_beside_the_service(disk, full, tmp_path):
    """Whoever finds the disk full wants a copy first; of a stopped service a line says why not."""
    target = tmp_path / "rescue.sqlite3"
    fill(disk)
    code, _said, errors = await run_command("backup", str(target), config=full)
    assert (code, "free some space" in errors, target.exists()) == (1, True, False)
    (disk / "filler").unlink()
    with contextlib.closing(sqlite3.connect(disk / DATABASE)) as other:
        other.execute("SELECT count(*) FROM inbox").fetchone()
        fill(disk)
        assert (await run_command("backup", str(target), config=full))[0] == 0
    assert items_in(target) == items_in(tmp_path / "copy.sqlite3")


async def test_init_on_a_full_disk_leaves_the_settings_whole(
    disk, full, telegram, kommo, monkeypatch
):
    """What was there stays, byte for byte, and nothing lies beside it."""
    monkeypatch.setenv("KOMMO_TELEGRAM__TELEGRAM__API_URL", telegram.url)
    monkeypatch.setenv("KOMMO_TELEGRAM__KOMMO__API_URL", kommo.url)
    answers = [TOKEN, "https://new.example.org", "example", kommo.access_token, "", ""]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join([*answers, ""])))
    fill(disk)
    names, before = files_of(disk), full.read_bytes()
    code, _said, errors = await run_command("init", config=full)
    assert (code, full.read_bytes(), files_of(disk)) == (1, before, names)
    assert errors.splitlines()[-1].endswith("No space left on device; free some space on its disk")
