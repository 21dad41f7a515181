"""The files: who may read them, who may run on them, and that nobody takes them away."""

import asyncio
import os
import resource
import stat
import threading
from datetime import timedelta

import pytest

from storage.database import Database
from storage.errors import DatabaseBusyError, DatabaseUnavailableError
from storage.queue.direction import Direction
from storage.queue.producer import Draft
from storage.retention import finished
from storage.sqlite import copies
from storage.sqlite.connection import connect
from storage.sqlite.lock import instance_lock

LOOK = """
import asyncio, pathlib, sys
from storage.database import Database
async def main():
    async with Database.open(pathlib.Path(sys.argv[1])) as database:
        async with database.snapshot() as snapshot:
            print((await snapshot.to_telegram.counts())["pending"])
asyncio.run(main())
"""

RUN = """
import asyncio, pathlib, sys
from storage.sqlite.connection import connect
from storage.sqlite import copies
from storage.database import Database
from storage.errors import DatabaseBusyError
async def main():
    try:
        async with Database.open(pathlib.Path(sys.argv[1]), exclusive=True):
            print("runs")
    except DatabaseBusyError as error:
        print(error)
asyncio.run(main())
"""

DIE = """
import asyncio, os, pathlib, signal, sys
from storage.database import Database
async def main():
    async with Database.open(pathlib.Path(sys.argv[1]), exclusive=True):
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def _beside(path, end):
    return path.with_name(path.name + end)


async def test_a_command_leaves_the_log_of_the_running_service_alone(path, put, keys, python):
    """What the service commits after another process came and went is there for everybody."""
    async with Database.open(path, exclusive=True) as service:
        async with service.transaction() as tx:
            await put(tx.to_telegram, "before")
        await service.backup(_beside(path, ".copy"))
        assert python(LOOK, path).stdout.strip() == "1"
        assert _beside(path, "-wal").exists()
        async with service.transaction() as tx:
            await put(tx.to_telegram, "after")
        assert python(LOOK, path).stdout.strip() == "2"
    assert keys() == ["before", "after"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
async def test_all_files_are_for_their_owner_only(path, put, umask):
    """Nobody else can read what is stored, whatever the umask is."""
    before = os.umask(umask)
    try:
        async with Database.open(path, exclusive=True) as database:
            async with database.transaction() as tx:
                await put(tx.to_telegram, "one")
            await database.backup(_beside(path, ".copy"))
            for end in ("", "-wal", "-shm", ".lock", ".copy"):
                assert _mode(_beside(path, end)) == 0o600, end
    finally:
        os.umask(before)


async def test_an_open_file_is_taken_back(path):
    """A database that others could read is closed to them by the next start."""
    async with Database.open(path):
        pass
    path.chmod(0o644)
    async with Database.open(path):
        assert _mode(path) == 0o600


async def test_a_second_instance_is_refused(path, python):
    """One instance runs on a database; the second one names it, and may run after it."""
    async with Database.open(path, exclusive=True):
        refusal = python(RUN, path).stdout
        assert f"process {os.getpid()}" in refusal
        assert str(_beside(path, ".lock")) in refusal
        with pytest.raises(DatabaseBusyError):
            async with Database.open(path, exclusive=True):
                pass
    assert python(RUN, path).stdout.strip() == "runs"


async def test_the_lock_of_a_killed_instance_is_free(path, python):
    """After kill -9 the next start needs no cleaning up."""
    assert python(DIE, path).returncode < 0
    async with Database.open(path, exclusive=True) as database:
        assert database.changed(Direction.OUTGOING)


def test_a_lock_that_cannot_be_made_says_so(tmp_path):
    """A missing folder is said in words."""
    with (
        pytest.raises(DatabaseUnavailableError, match="cannot create"),
        instance_lock(tmp_path / "missing" / "db"),
    ):
        pass


def test_a_lock_is_held_on_a_full_disk(tmp_path):
    """Whose it is cannot be written then: what the full disk costs, others say better."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with (
            instance_lock(tmp_path / "db"),
            pytest.raises(DatabaseBusyError, match="process unknown"),
            instance_lock(tmp_path / "db"),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_both_processes_write_safely(path, put, keys, python):
    """A command may write while the service does; none of it is lost."""
    code = LOOK.replace("snapshot() as snapshot", "transaction() as tx").replace(
        'print((await snapshot.to_telegram.counts())["pending"])',
        'await tx.facts.put("key", "from the command")',
    )
    async with Database.open(path, exclusive=True) as service:
        command = asyncio.create_task(asyncio.to_thread(python, code, path))
        number = 0
        while not command.done():
            number += 1
            async with service.transaction() as tx:
                await put(tx.to_telegram, f"{number}")
        assert (await command).returncode == 0, (await command).stderr
        async with service.snapshot() as snapshot:
            assert await snapshot.facts.get("key") == "from the command"
    assert len(keys()) == number


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda p: p.parent / "no" / "db", "folder does not exist", id="no-folder"),
        pytest.param(lambda p: p.parent, "it is a folder", id="a-folder"),
        pytest.param(lambda p: p.write_text("x" * 5000) and p, "no SQLite database", id="other"),
        pytest.param(lambda p: p.parent / ("n" * 300), "cannot create", id="name-too-long"),
    ],
)
async def test_what_cannot_be_opened_is_said(path, make, words):
    """A path that cannot be the database is named, with what is wrong about it."""
    wrong = make(path)
    with pytest.raises(DatabaseUnavailableError, match=words) as caught:
        async with Database.open(wrong):
            pass
    assert wrong.name in str(caught.value)


async def test_a_backup_is_whole(path, put, keys, database):
    """A copy made in full service opens as a database and has what was committed."""
    async with database.transaction() as tx:
        await put(tx.to_telegram, "one")
        await put(tx.to_kommo, "two")
    target = path.with_name("copy")
    await database.backup(target)
    async with Database.open(target) as copy, copy.transaction() as tx:
        await put(tx.to_telegram, "only in the copy")
    assert (keys(), keys("outbox")) == (["one"], ["two"])
    assert keys(file=target) == ["one", "only in the copy"]


async def test_a_backup_overwrites_nothing(path, database):
    """A file that exists stays as it is."""
    target = path.with_name("precious")
    target.write_text("precious")
    with pytest.raises(DatabaseUnavailableError, match="cannot create"):
        await database.backup(target)
    assert target.read_text() == "precious"


async def test_a_backup_that_fails_leaves_no_half_file(path):
    """What cannot be copied whole is not there at all."""
    target = path.with_name("half")
    async with connect(path) as connection:
        await connection.begin()
        with pytest.raises(DatabaseUnavailableError, match="within a transaction"):
            await copies.copy(connection, target)
    assert not target.exists()


async def test_all_the_space_of_what_is_removed_is_given_back(path, noon, database):
    """A file that was large for a while does not stay large."""
    await database.compact()
    small = path.stat().st_size
    async with database.transaction() as tx:
        for number in range(100):
            await tx.to_telegram.record_done(
                Draft(dedupe_key=f"{number}", ordering_key="k", kind="k", payload="x" * 9000),
                now=noon,
            )
    await database.compact()
    assert path.stat().st_size > 20 * 9000
    async with database.transaction() as tx:
        rule = finished(Direction.OUTGOING, noon + timedelta(days=1))
        assert await tx.retention.remove(rule, limit=1000) == 100
    await database.compact()
    assert path.stat().st_size < small + 9000


@pytest.mark.parametrize("read_only", [False, True], ids=["writer", "reader"])
async def test_every_connection_is_durable_and_forgets(path, read_only):
    """A commit waits for the disk, and what is deleted is overwritten."""
    async with connect(path, read_only=read_only) as connection:
        names = ("journal_mode", "synchronous", "secure_delete", "auto_vacuum", "query_only")
        values = [(await connection.rows(f"PRAGMA {name}"))[0][0] for name in names]
    assert values == ["wal", 2, 1, 2, int(read_only)]


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13, 21, 34])
async def test_an_opening_that_is_cancelled_leaves_nothing_running(path, put, keys, steps):
    """A start that is cut off anywhere ends its threads, or the process could never end."""
    before = set(threading.enumerate())

    async def opening():
        async with Database.open(path, exclusive=True):
            await asyncio.Event().wait()

    task = asyncio.create_task(opening())
    for _ in range(steps):
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = [one for one in threading.enumerate() if not one.name.startswith("asyncio_")]
    for thread in set(left) - before:  # the event loop keeps its own threads for `to_thread`
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()
    async with Database.open(path, exclusive=True) as database, database.transaction() as tx:
        await put(tx.to_telegram, "one")
    assert keys() == ["one"]


async def test_what_is_removed_leaves_the_files(path, noon, database):
    """After purging and compacting, the text of a message is in no file any more."""
    secret = "a very private text"
    async with database.transaction() as tx:
        item = await tx.to_telegram.record_done(
            Draft(dedupe_key="k", ordering_key="k", kind="k", payload=secret * 500), now=noon
        )
        assert item is not None
    size = path.stat().st_size + _beside(path, "-wal").stat().st_size
    async with database.transaction() as tx:
        rule = finished(Direction.OUTGOING, noon + timedelta(days=1))
        assert await tx.retention.remove(rule, limit=1000) == 1
    await database.compact()
    files = [path, _beside(path, "-wal")]
    assert all(secret.encode() not in file.read_bytes() for file in files)
    assert sum(file.stat().st_size for file in files) < size
