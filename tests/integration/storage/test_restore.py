"""A backup in the database's place: all of it or nothing, whatever happens on the way."""

import os
import resource
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from storage.backups import Since
from storage.database import Database
from storage.errors import DatabaseBusyError, DatabaseUnavailableError, SchemaTooNewError
from storage.queue.producer import Draft
from storage.sqlite.backups import inspect, since
from storage.sqlite.files import ENDINGS
from storage.sqlite.restore import Restoring

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD, NEW = "in the backup", "since the backup"
WATCHED = ("open", "os.", "sqlite3.", "shutil.")
MAX_STEPS = 200


async def note(database, text):
    """Leave a text in a database."""
    async with database.transaction() as tx:
        await tx.facts.put(text, "x")


def notes(path):
    """Return the texts that a sound database holds."""
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {row[0] for row in raw.execute("SELECT key FROM notes")}


@pytest.fixture
def path(tmp_path):
    """Where the database is."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder / "bridge.sqlite3"


@pytest.fixture
async def backup(path, tmp_path):
    """A backup; the database has gone on since, and its process was killed: a log is left."""
    file = tmp_path / "backup.sqlite3"
    async with Database.open(path) as database:
        await note(database, OLD)
        await database.backup(file)
    _die_writing(path)
    for end in ("-sends", ".alive"):
        path.with_name(path.name + end).write_text(end)
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    return file


def _die_writing(path):
    """Write in a process that is killed then."""
    child = os.fork()
    if not child:
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("INSERT INTO notes VALUES (?, 'x')", [NEW])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def names(path):
    """Return what is beside the database, without its name."""
    return sorted(file.name.removeprefix(path.name) for file in path.parent.iterdir())


def test_it_takes_the_place_and_what_was_there_is_kept(path, backup):
    """The old database is whole under its new name, with what belongs to it beside it."""
    restoring = Restoring(inspect(backup, path), path, NOON)
    assert restoring.run()
    assert notes(path) == {OLD}
    assert restoring.aside.name == "bridge.sqlite3.before-20260301T120000Z"
    assert notes(restoring.aside) == {OLD, NEW}
    kept = restoring.aside.name.removeprefix(path.name)
    assert names(path) == ["", kept, f"{kept}-sends", f"{kept}.alive"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert notes(backup) == {OLD}


def test_twice_in_a_second_keeps_both(path, backup):
    """No earlier database that was kept is lost to a later one."""
    first = Restoring(inspect(backup, path), path, NOON)
    first.run()
    second = Restoring(inspect(first.aside, path), path, NOON)
    second.run()
    assert first.aside != second.aside
    assert (notes(first.aside), notes(second.aside)) == ({OLD, NEW}, {OLD})
    assert notes(path) == {OLD, NEW}


def test_a_kill_leaves_the_one_or_the_other(path, backup, tmp_path):
    """Before each call of the system a kill is tried: a whole database is there each time."""
    found = set()
    for number in range(MAX_STEPS):
        code, entries = _killed_before(number, path, backup, tmp_path)
        is_new = notes(path) == {OLD}
        if not is_new:
            assert notes(path) == {OLD, NEW}
            assert {"-sends", ".alive"} <= set(entries)
        found.add(is_new)
        if code == 0:
            break
    else:
        pytest.fail("it never ended")
    assert found == {True, False}
    assert number > 10


def _killed_before(number, path, backup, tmp_path):
    """Restore in a process that is killed before its call of that number."""
    _as_it_was(path, backup, tmp_path)
    child = os.fork()
    if not child:
        try:
            restoring = Restoring(inspect(backup, path), path, NOON)
            left = [number]

            def count(event, _arguments):
                if event.startswith(WATCHED) and event != "os.kill":
                    left[0] -= 1
                    if left[0] < 0:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(count)
            restoring.run()
            left[0] = sys.maxsize
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, -signal.SIGKILL}
    return code, names(path)


def _as_it_was(path, backup, tmp_path):
    """Put back what the first fixture made."""
    store = tmp_path / "store"
    if not store.exists():
        store.mkdir()
        for file in path.parent.iterdir():
            (store / file.name).write_bytes(file.read_bytes())
    for file in path.parent.iterdir():
        file.unlink()
    for file in store.iterdir():
        (path.parent / file.name).write_bytes(file.read_bytes())


@pytest.mark.parametrize("is_damaged", [False, True], ids=["sound", "damaged"])
def test_ctrl_c_leaves_the_one_or_the_other(path, backup, tmp_path, is_damaged):
    """After each call of the system Ctrl-C is tried: what was there is never lost."""
    if is_damaged:
        path.write_bytes(b"damaged" * 1000)
    log = path.with_name(path.name + "-wal").read_bytes()
    found = set()
    for number in range(MAX_STEPS):
        _as_it_was(path, backup, tmp_path)
        restoring = Restoring(inspect(backup, path), path, NOON)
        is_ended = _interrupted_after(number, restoring)
        is_new = restoring.aside.exists()
        kept = restoring.aside if is_new else path
        if is_damaged:
            assert kept.read_bytes() == b"damaged" * 1000
            assert kept.with_name(kept.name + "-wal").read_bytes() == log
        else:
            assert notes(kept) == {OLD, NEW}
        assert not is_new or notes(path) == {OLD}
        found.add(is_new)
        if is_ended:
            break
    else:
        pytest.fail("it never ended")
    assert found == {True, False}


def _interrupted_after(number, restoring):
    """Restore, with Ctrl-C when that call of the system has returned; tell whether it ended."""
    left = [number]

    def count(_frame, event, function):
        if event == "c_return" and getattr(function, "__module__", "") == "posix":
            left[0] -= 1
            if left[0] < 0:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(count)
    try:
        restoring.run()
    except KeyboardInterrupt:
        return False
    finally:
        sys.setprofile(None)
    return True


def test_a_damaged_database_is_kept_with_its_log(path, backup):
    """What cannot be read any more is kept as it is: somebody may save something of it."""
    path.write_bytes(b"damaged" * 1000)
    log = path.with_name(path.name + "-wal").read_bytes()
    restoring = Restoring(inspect(backup, path), path, NOON)
    assert since(inspect(backup, path), path) is None
    assert restoring.run()
    assert notes(path) == {OLD}
    assert restoring.aside.read_bytes() == b"damaged" * 1000
    assert restoring.aside.with_name(restoring.aside.name + "-wal").read_bytes() == log


def test_where_nothing_was_nothing_is_kept(path, backup):
    """On another machine there is no database yet."""
    for file in path.parent.iterdir():
        file.unlink()
    assert not Restoring(inspect(backup, path), path, NOON).run()
    assert names(path) == [""]
    assert notes(path) == {OLD}


def test_a_log_without_its_database_is_not_played_into_another(path, backup):
    """A log that somebody left behind is kept aside too."""
    path.unlink()
    assert Restoring(inspect(backup, path), path, NOON).run()
    assert notes(path) == {OLD}


def test_a_command_that_uses_the_database_is_waited_for(path, backup, monkeypatch):
    """A database is not changed under those who read it."""
    monkeypatch.setattr("storage.sqlite.restore.BUSY_TIMEOUT_S", 0.05)
    before = names(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT * FROM notes").fetchall()
        with pytest.raises(DatabaseBusyError, match="another command uses"):
            Restoring(inspect(backup, path), path, NOON).run()
        assert names(path) == before
    assert notes(path) == {OLD, NEW}


def _foreign(file):
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("CREATE TABLE notes (x)")
        raw.commit()


def _newer(file):
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("INSERT INTO schema_migrations VALUES (9999, 'future')")
        raw.commit()


def _torn(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        pytest.param(lambda file: file.unlink(), DatabaseUnavailableError, "No such", id="none"),
        pytest.param(
            lambda file: (file.unlink(), file.mkdir()),
            DatabaseUnavailableError,
            "is a folder",
            id="folder",
        ),
        pytest.param(
            lambda file: file.write_bytes(b""), DatabaseUnavailableError, "no database", id="empty"
        ),
        pytest.param(
            lambda file: file.write_text("nonsense" * 999),
            DatabaseUnavailableError,
            "cannot be read",
            id="no-database",
        ),
        pytest.param(
            lambda file: (file.unlink(), _foreign(file)),
            DatabaseUnavailableError,
            "no database of",
            id="foreign",
        ),
        pytest.param(_newer, SchemaTooNewError, "newer version", id="newer"),
        pytest.param(_torn, DatabaseUnavailableError, "name another backup", id="torn"),
        pytest.param(
            lambda file: os.truncate(file, file.stat().st_size // 2),
            DatabaseUnavailableError,
            "name another backup",
            id="cut-off",
        ),
    ],
)
def test_what_is_no_backup_is_refused(path, backup, spoil, error, said):
    """Nothing is touched before the file has been read from end to end."""
    spoil(backup)
    before = names(path)
    with pytest.raises(error, match=said):
        inspect(backup, path)
    assert names(path) == before


def test_the_database_itself_is_no_backup(path, backup, tmp_path):
    """Neither by its name nor by another one."""
    backup.unlink()
    backup.symlink_to(path)
    for file in (path, backup):
        with pytest.raises(DatabaseUnavailableError, match="the database itself"):
            inspect(file, path)


def test_a_link_in_the_databases_place_is_refused(path, backup):
    """A rename would put the link away, and leave the log where it leads to."""
    moved = path.with_name("moved.sqlite3")
    path.rename(moved)
    path.symlink_to(moved)
    with pytest.raises(DatabaseUnavailableError, match="is a link"):
        inspect(backup, path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9], ids=["early", "midway", "late"])
def test_a_full_disk_leaves_everything_as_it_was(path, backup, part):
    """A process that may write so many bytes only fails in words, and takes away what it wrote."""
    before = sorted(set(names(path)) - {"-wal", "-shm"})
    limit = int(backup.stat().st_size * part)
    child = os.fork()
    if not child:
        try:
            restoring = Restoring(inspect(backup, path), path, NOON)
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            restoring.run()
        except DatabaseUnavailableError:
            os._exit(3)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 3
    assert [name for name in names(path) if name not in {"-wal", "-shm"}] == before
    assert notes(path) == {OLD, NEW}


def test_a_copy_with_its_log_is_taken_whole(path, backup, tmp_path):
    """Who copied the files by hand, with the log, gets what is in the log too."""
    by_hand = tmp_path / "by-hand.sqlite3"
    for end in ("", "-wal"):
        content = path.with_name(path.name + end).read_bytes()
        by_hand.with_name(by_hand.name + end).write_bytes(content)
    for file in path.parent.iterdir():
        file.unlink()
    Restoring(inspect(by_hand, path), path, NOON).run()
    assert notes(path) == {OLD, NEW}


@pytest.mark.parametrize("failing", ["link", "rename", "fsync", "chown"])
def test_a_failure_leaves_everything_as_it_was(path, backup, monkeypatch, failing):
    """A full disk, or a file system that refuses, changes nothing and leaves nothing."""
    before = sorted(set(names(path)) - {"-wal", "-shm"})

    def refuse(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    restoring = Restoring(inspect(backup, path), path, NOON)
    if failing == "link":
        monkeypatch.setattr("storage.sqlite.restore._copy_file", refuse)
    monkeypatch.setattr(os, failing, refuse)
    if failing == "chown" and os.geteuid():
        pytest.skip("only root gives files away")
    with pytest.raises(DatabaseUnavailableError, match="No space left"):
        restoring.run()
    monkeypatch.undo()
    assert [name for name in names(path) if name not in {"-wal", "-shm"}] == before
    assert notes(path) == {OLD, NEW}


async def test_a_file_system_without_hard_links_gets_copies(path, backup, monkeypatch):
    """What was there is kept there too; and a backup gets its name."""

    def refuse(*_arguments, **_options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    restoring = Restoring(inspect(backup, path), path, NOON)
    restoring.run()
    assert notes(restoring.aside) == {OLD, NEW}
    assert restoring.aside.stat().st_mode & 0o777 == 0o600
    async with Database.open(path) as database:
        await database.backup(path.with_name("again.sqlite3"))
    assert notes(path.with_name("again.sqlite3")) == {OLD}
    assert not path.with_name("again.sqlite3.part").exists()


async def test_what_a_backup_lacks_is_counted(path, backup):
    """Per direction; what waits or is dead is counted apart."""
    async with Database.open(path) as database:
        with closing(sqlite3.connect(path)) as raw:
            raw.executemany(
                "INSERT INTO messages (bot_id, chat_id, telegram_message_id, conversation_id, "
                "direction, part, at) VALUES (1, 2, ?, 'tg:1:2', ?, ?, 5000)",
                [(1, "incoming", 1), (2, "incoming", 1), (2, "incoming", 2), (3, "outgoing", 1)],
            )
            raw.commit()
    async with Database.open(path) as database, database.transaction() as tx:
        for key in ("a", "b", "c"):
            draft = Draft(key, ordering_key="k", kind="new_message", payload="{}")
            await tx.to_kommo.add(draft, now=NOON, expires_at=NOON)
    assert since(inspect(backup, path), path) == Since(
        incoming=2, outgoing=1, conversations=0, to_kommo=3, to_telegram=0
    )
    assert set(ENDINGS) == {"-wal", "-shm", "-sends", ".alive"}
