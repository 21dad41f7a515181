"""Every command of an ordinary user, who may not read or write what it needs: a line says so."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from storage.database import Database
from tests.e2e.conftest import ACCOUNT_ID, CHANNEL_ID, SECRET, TOKEN
from tests.e2e.exports import chat, message, written
from tests.e2e.strangers import USER, as_stranger, is_possible
from tests.e2e.test_commands_write import ARGUMENTS
from tests.ports import free_port

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs root, unshare and mount")

COMMANDS = {
    **ARGUMENTS,
    "backup": ["{folder}/another.sqlite3"],
    "check": ["--offline"],
    "completion": ["bash"],
    "config show": [],
    "init": [],
    "run": [],
    "version": [],
    "widget": ["{folder}/widget.zip"],
}
DATABASE = "kommo-telegram.sqlite3"
NEEDS_NOTHING = {"completion", "version"}
SETTINGS_ONLY = {"config show"}
LOOKS_ELSEWHERE_FIRST = {"import", "widget", "templates push"}
"""They name the file that they are given, before the settings."""

ASK_OTHERS_FIRST = {"invite", "sources list", "sources sync", "templates list"}
"""Nobody answers them here, and they end before they look at the database."""

NEEDS_NO_DATABASE = {"check", "config show", "connect", "disconnect", "healthcheck"}
MAX_LINES = 4
SUDO = "begin the command with sudo"

CONFIG = f"""
public_url = "https://bridge.mine.org"
[kommo]
channel_id = "{CHANNEL_ID}"
channel_secret = "{SECRET}"
account_id = "{ACCOUNT_ID}"
access_token = "a-fake-token"
chats_url = "http://127.0.0.1:{{port}}"
api_url = "http://127.0.0.1:{{port}}"
[telegram]
api_url = "http://127.0.0.1:{{port}}"
[[telegram.bots]]
token = "{TOKEN}"
[listen]
port = {{listen}}
[admin]
port = {{admin}}
[storage]
path = "state/kommo-telegram.sqlite3"
"""


def forbid_settings(folder):
    """As `init` leaves them."""
    (folder / "config.toml").chmod(0o600)


def forbid_settings_folder(folder):
    """As a folder of root's is."""
    folder.chmod(0o700)


def forbid_database(folder):
    """As the service leaves it."""
    for file in (folder / "state").iterdir():
        file.chmod(0o600)


def forbid_state(folder):
    """As systemd makes it."""
    (folder / "state").chmod(0o700)


def forbid_writing(folder):
    """All may be read."""
    for file in (folder / "state").iterdir():
        file.chmod(0o644)


def forbid_making(folder):
    """There is nothing yet."""
    for file in (folder / "state").iterdir():
        file.unlink()


PLACES = [
    forbid_settings, forbid_settings_folder, forbid_database, forbid_state, forbid_writing,
    forbid_making,
]  # fmt: skip


SHORTENED = {forbid_settings_folder, forbid_making}
LIKE_ALL = {"backup", "check", "config show", "init", "queue list", "restore", "run", "widget"}
"""There, those stand for all: the line comes from the same place as in the others."""


async def _prepare(folder, forbid):
    """Make a folder of root's with all that commands are called with."""
    (folder / "state").mkdir(parents=True)
    ports = {name: free_port() for name in ("port", "listen", "admin")}
    (folder / "config.toml").write_text(CONFIG.format(**ports))
    (folder / "templates.toml").write_text("[[templates]]\n")
    written(folder / "export", chat(message(1, "old")))

    async with Database.open(folder / "state" / DATABASE, exclusive=True) as database:
        await database.backup(folder / "copy.sqlite3")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o755)
    forbid(folder)


@pytest.fixture
def place():
    """A folder that everybody may enter."""
    made = Path(tempfile.mkdtemp(prefix="strangers-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def _everything_in(place):
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


def _is_well(forbid, name, code, said, errors):
    """Tell whether a command ended as it should where it may not do its work."""
    has_settings = forbid not in {forbid_settings, forbid_settings_folder}
    if "Traceback" in said + errors:
        return False
    if name in NEEDS_NOTHING or (name in SETTINGS_ONLY and has_settings):
        return (code, errors) == (0, "")
    told = said if name == "check" and has_settings else errors
    is_short = name in {"check", "run"} or len(told.splitlines()) <= MAX_LINES
    return code in {1, 2} and bool(told.strip()) and is_short and _names_sudo(forbid, name, errors)


def _names_sudo(forbid, name, errors):
    """Tell whether who may not read the settings, or has to write them, is told of the way."""
    if name == "init":
        return errors.startswith("kommo-telegram: cannot ") and SUDO in errors
    may_read = forbid not in {forbid_settings, forbid_settings_folder}
    if may_read and name in NEEDS_NO_DATABASE | ASK_OTHERS_FIRST:
        return True
    return name in LOOKS_ELSEWHERE_FIRST or forbid is forbid_making or SUDO in errors


GIVEN = {
    "backup": ["backup", "{roots}/new.sqlite3"],
    "with settings": ["backup", "{roots}/new.sqlite3", "--with-settings"],
    "restore": ["restore", "{roots}/copy.sqlite3", "--yes"],
    "widget": ["widget", "{roots}/widget.zip"],
}
"""Commands of a user whose bridge it is, with files that are root's."""


async def test_a_file_of_roots_is_named_with_the_way_to_it(place):
    """One line says which file it is, and names sudo."""
    mine, roots = place / "mine", place / "roots"
    await _prepare(mine, lambda _folder: None)
    roots.mkdir()
    (mine / "copy.sqlite3").rename(roots / "copy.sqlite3")
    (roots / "copy.sqlite3").chmod(0o600)
    for path in (mine, *mine.rglob("*")):
        os.chown(path, USER, USER)
    given = [[each.format(roots=roots) for each in one] for one in GIVEN.values()]
    settings = ["--config", str(mine / "config.toml")]
    ended = await asyncio.to_thread(as_stranger, [[*settings, *one] for one in given])
    for one, (code, said, errors) in zip(given, ended, strict=True):
        assert (code, said, len(errors.splitlines())) == (1, "", 1), errors
        assert one[1] in errors
        assert "Permission denied" in errors
        assert SUDO in errors


async def test_who_may_not_is_told_in_a_line(place):
    """No traceback, an exit code, and what to do; `init` asks nothing; nothing is changed."""
    called = []
    for forbid in PLACES:
        folder = place / forbid.__name__
        await _prepare(folder, forbid)
        for name, arguments in COMMANDS.items():
            if forbid in SHORTENED and name not in LIKE_ALL:
                continue
            given = [each.format(folder=folder) for each in arguments]
            line = ["--config", str(folder / "config.toml"), *name.split(), *given]
            called.append((forbid, name, line))
    before = _everything_in(place)
    ended = await asyncio.to_thread(as_stranger, [line for _forbid, _name, line in called])
    wrong = [
        (forbid.__name__, name, end)
        for (forbid, name, _line), end in zip(called, ended, strict=True)
        if not _is_well(forbid, name, *end) or (name == "init" and end[1])
    ]
    assert wrong == []
    checked = next(
        said
        for (forbid, name, _line), (_code, said, _errors) in zip(called, ended, strict=True)
        if (forbid, name) == (forbid_writing, "check")
    )
    assert "cannot be written" in checked
    assert _everything_in(place) == before
