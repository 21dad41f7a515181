"""Everything that is SQLite's own: connections, pragmas, errors, file modes, copies.

The other modules keep to SQL that SQLite and PostgreSQL share (`INSERT .. ON CONFLICT`,
`RETURNING`, savepoints, named parameters), so that a second engine needs a second module like
this one, and its own migrations.

A trap to know: when a process closes any descriptor of the database file, POSIX drops the locks
that SQLite holds on it, and another process may then remove the write-ahead log under our feet,
with what was committed in it. So nothing here opens an existing database file but SQLite itself.
Reference: SQLite, How To Corrupt An SQLite Database File, section 2.2.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

import aiosqlite

from storage.errors import DatabaseStalledError, DatabaseUnavailableError
from storage.sqlite.owners import OWNER_ONLY, hand_over, hand_over_all, owner_of

BUSY_TIMEOUT_S = 2.0
"""How long a writer waits for another process, such as `queue retry`: less than Kommo waits."""

BATCH = 500
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is forgotten is overwritten, not only unlinked
    "PRAGMA wal_autocheckpoint = 0",  # a checkpoint beside a commit may corrupt: see `checkpoint`
)

RESETS_SAFELY = (((3, 44, 6), (3, 45, 0)), ((3, 50, 7), (3, 51, 0)))
"""Older releases in which the WAL-reset bug is mended: from the first to before the last."""

RESETS_SAFELY_FROM = (3, 51, 3)

REMEDIES = {
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder accessible for this user",
    sqlite3.SQLITE_BUSY: "another process has been writing for too long; see which one holds it",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database; name another path",
    sqlite3.SQLITE_CORRUPT: "restore a backup",
}
STALLS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
}
"""What may pass without a restart."""

PRIMARY_CODE = 0xFF
"""The part of an extended result code that names the kind. Reference: SQLite, Result Codes."""

NEW_FILE = "PRAGMA auto_vacuum = INCREMENTAL"
"""For a new file only: on another it has no effect, but writes."""
QUERY_ONLY = "PRAGMA query_only = ON"

Row = tuple[Any, ...]
Parameters = Mapping[str, Any]
Statement = tuple[str, Parameters]
AT_ONCE_STEPS = 20_000
"""So many steps of SQLite's machine take about a millisecond; longer questions hold nobody up."""

READ_PAUSES_S = (0.05, 0.2, 0.5)
"""After so long a question that failed for a moment is asked again."""

CACHED_STATEMENTS = 512
T = TypeVar("T")


class Session(Protocol):
    """What the repositories run their statements on."""

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        ...

    async def batch(self, *statements: Statement) -> list[list[Row]]:
        """Run several statements in one go and return the rows of each."""
        ...

    async def at_length(self, *statements: Statement) -> list[list[Row]]:
        """Run statements that may take long, while the program goes on."""
        ...


class Connection:
    """One connection: statements one after another, in autocommit until `begin`.

    Work goes to a thread, which costs a tenth of a millisecond each way and lets the program go
    on; what takes less than that, and waits for no disk, is done at once.
    """

    def __init__(self, thread: "_Thread", path: Path) -> None:
        self._thread = thread
        self._path = path
        self._is_open = True

    @property
    def path(self) -> Path:
        """Return the database's file."""
        return self._path

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some work in one go on the connection's thread; cancelling does not stop it."""
        if not self._is_open:
            raise DatabaseUnavailableError(f"the database {self._path} is closed")
        with Mapped(self._path):
            return await self._thread.call(work)

    async def at_once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do short work here and now; behind what the thread has to do, if there is anything."""
        if not self._is_open or not self._thread.is_idle:
            return await self.call(work)
        with Mapped(self._path):
            return self._thread.here(work)

    async def close(self) -> None:
        """Finish what was begun, and end the thread."""
        self._is_open = False
        await self._thread.close()

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        return await self.call(partial(run, sql=sql, parameters=parameters or {}))

    async def batch(self, *statements: Statement) -> list[list[Row]]:
        """Run several statements in one go and return the rows of each."""
        return await self.call(lambda raw: [run(raw, *statement) for statement in statements])

    async def begin(self) -> None:
        """Begin a transaction that writes."""
        await self.rows("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        """Commit: on disk when this returns."""
        await self.rows("COMMIT")

    async def rollback(self) -> None:
        """Undo the transaction, if SQLite has not done so already."""
        await self.call(undo)

    async def script(self, sql: str) -> None:
        """Run several statements of a migration."""
        await self.batch(*((statement, {}) for statement in _statements(sql)))


class Reading:
    """The session of those who only read: at once, unless a question turns out to take long.

    What is busy or fails for a moment is asked again; who asks sees only what lasts.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        return (await self.batch((sql, parameters or {})))[0]

    async def batch(self, *statements: Statement) -> list[list[Row]]:
        """Run several statements in one go and return the rows of each."""
        work = partial(_run_all, statements)
        for pause_s in READ_PAUSES_S:
            try:
                return await self._once(work)
            except DatabaseStalledError:
                await asyncio.sleep(pause_s)
        return await self._once(work)

    async def _once(
        self, work: Callable[[sqlite3.Connection], list[list[Row]]]
    ) -> list[list[Row]]:
        answers = await self._connection.at_once(partial(_within_steps, work))
        return await self._connection.call(work) if answers is None else answers

    async def at_length(self, *statements: Statement) -> list[list[Row]]:
        """Run statements that may take long, while the program goes on."""
        return await self._connection.call(partial(_run_all, statements))


class _Thread(aiosqlite.Connection):
    """aiosqlite's connection with a way to do several things in one hop to its thread."""

    def __init__(self, open_file: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(open_file, iter_chunk_size=64)
        self._given = 0
        self._done = 0

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is to be done there, so that the connection is free."""
        return self._given == self._done

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some work there."""
        self._given += 1
        result: T = await self._execute(self._do, work, self._conn)  # type: ignore[no-untyped-call]
        return result

    def here(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some work on the caller's own thread; only while this one is idle."""
        return work(self._conn)

    def _do(self, work: Callable[[sqlite3.Connection], T], raw: sqlite3.Connection) -> T:
        try:
            return work(raw)
        finally:
            self._done += 1


def _run_all(statements: Sequence[Statement], raw: sqlite3.Connection) -> list[list[Row]]:
    return [run(raw, *statement) for statement in statements]


def _within_steps(work: Callable[[sqlite3.Connection], T], raw: sqlite3.Connection) -> T | None:
    """Do some work that only reads; None when it was given up because it takes long."""
    raw.set_progress_handler(_give_up, AT_ONCE_STEPS)
    try:
        return work(raw)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        raw.set_progress_handler(None, 0)


def _give_up() -> int:
    return 1


def run(raw: sqlite3.Connection, sql: str, parameters: Parameters) -> list[Row]:
    """Run one statement, on the connection's thread."""
    return raw.execute(sql, parameters).fetchall()


def impatient(
    work: Callable[[sqlite3.Connection], None], wait_s: float = 0.0
) -> Callable[[sqlite3.Connection], None]:
    """Return work that fails where it would wait longer than this for another process."""

    def do(raw: sqlite3.Connection) -> None:
        raw.execute(f"PRAGMA busy_timeout = {max(wait_s, 0.0) * 1000:.0f}")
        try:
            work(raw)
        finally:
            raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")

    return do


def undo(raw: sqlite3.Connection) -> None:
    """Roll back, on the connection's thread, unless SQLite has done so by itself."""
    if raw.in_transaction:
        raw.execute("ROLLBACK")


@asynccontextmanager
async def connect(path: Path, *, read_only: bool = False) -> AsyncIterator[Connection]:
    """Open a connection; its thread ends with the block.

    Raises:
        DatabaseUnavailableError: the file cannot be opened or is no database.
    """
    is_new = _keep_for_owner(path)
    open_file = partial(
        sqlite3.connect,
        path,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
        check_same_thread=False,  # its thread and the loop's take turns, see `is_idle`
    )
    thread = _Thread(open_file)
    with Mapped(path):
        await thread
    opened = Connection(thread, path)
    try:
        pragmas = [NEW_FILE] if is_new else []
        pragmas += [*PRAGMAS, QUERY_ONLY] if read_only else PRAGMAS
        await opened.batch(*((pragma, {}) for pragma in pragmas))
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def look(path: Path) -> AsyncIterator[Connection]:
    """Open a connection that changes nothing: not the file, nor its mode, nor what is beside it.

    Without a write-ahead log nobody has the file open, and SQLite would make the side files only
    to read. Reference: SQLite, URI Filenames (`mode`, `immutable`).

    Raises:
        DatabaseUnavailableError: the file cannot be opened or is no database.
    """
    open_file = partial(
        sqlite3.connect,
        _looking_at(path),
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,  # as in `connect`
    )
    thread = _Thread(open_file)
    with Mapped(path):
        await thread
    opened = Connection(thread, path)
    try:
        yield opened
    finally:
        await opened.close()


def _looking_at(path: Path) -> str:
    has_log = os.path.exists(f"{path}-wal")  # noqa: PTH110 - Path.exists raises without access
    return f"{path.absolute().as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"


async def copy(connection: Connection, target: Path) -> None:
    """Write a consistent copy of the database into a new file, for its owner only.

    It gets its name when it is whole and verified: a kill leaves none that looks like one.

    Raises:
        DatabaseUnavailableError: the file exists already or cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    await asyncio.to_thread(create_part, target, part)
    try:
        await connection.rows("VACUUM INTO :target", {"target": str(part)})
        await asyncio.to_thread(_finish, connection.path, part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def create_part(target: Path, part: Path) -> None:
    """Create the file that is to become a new one; what a kill left of it goes.

    Raises:
        DatabaseUnavailableError: it cannot be, with the remedy.
    """
    refuse_existing(target)
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
        part.chmod(OWNER_ONLY)  # whatever the umask took away
    except FileNotFoundError as error:
        raise DatabaseUnavailableError(
            f"cannot create {target}: its folder does not exist; create it, or name another one"
        ) from error
    except OSError as error:
        raise DatabaseUnavailableError(
            f"cannot create {target}: {error.strerror}; name a file that this user may create"
        ) from error


def refuse_existing(target: Path) -> None:
    """Say what is wrong with the name of a new file, and what to do.

    Raises:
        DatabaseUnavailableError: there is something of that name.
    """
    try:
        found = target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise DatabaseUnavailableError(
            f"cannot look at {target}: {error.strerror}; name a file that this user may create"
        ) from error
    if target.is_dir():
        raise DatabaseUnavailableError(
            f"cannot create {target}: it is a folder; name a new file in it, such as "
            f"{target / 'copy.sqlite3'}"
        )
    size_kib = -(-found.st_size // 1024)
    raise DatabaseUnavailableError(
        f"cannot create {target}: it exists already ({size_kib} KiB), and stays as it is; name "
        "another file, or remove it first"
    )


def _finish(source: Path, part: Path, target: Path) -> None:
    """Verify a copy, and give it its owner and its name."""
    flush(part)
    verify(part)
    try:
        owner = owner_of(source)
        if target.parent.stat().st_uid == owner.user:
            hand_over(part, owner)
        _name(part, target)
        flush(target.parent)
    except OSError as error:
        raise DatabaseUnavailableError(f"cannot create {target}: {error.strerror}") from error


def _name(part: Path, target: Path) -> None:
    """Give a file its name, unless another one has it by now."""
    try:
        target.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        refuse_existing(target)
        part.rename(target)
    else:
        part.unlink()


def verify(path: Path) -> None:
    """Read a copy from its first page to its last; nobody else may have it open.

    Raises:
        DatabaseUnavailableError: it is damaged.
    """
    with (
        Mapped(path),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw,
    ):
        (found,) = raw.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise DatabaseUnavailableError(f"the copy {path} is damaged: {found}; check the disk")


async def free_pages(connection: Connection, pages: int) -> int:
    """Give so many free pages back to the disk; return how many are left."""
    # a script runs to its end; a single statement without columns would free a single page
    script = f"PRAGMA incremental_vacuum({pages})"
    await connection.call(lambda raw: raw.executescript(script))
    return int((await connection.rows("PRAGMA freelist_count"))[0][0])


async def checkpoint(writer: Connection, reader: Connection) -> bool:
    """Bring the write-ahead log into the database, while nobody can commit.

    SQLite 3.7.0 to 3.51.2 may lose commits when a checkpoint runs beside another connection's
    commit. So one connection holds the lock of all writers, in this process or another, while the
    other one checkpoints; no connection checkpoints by itself. (When the last connection of all is
    closed, SQLite checkpoints as well; it then holds the whole file for itself.)
    Reference: SQLite, Write-Ahead Logging, "The WAL Reset Bug".

    Args:
        writer: holds the lock.
        reader: checkpoints.

    Returns:
        whether all of the log is in the database; False also when another process writes.
    """
    try:
        await writer.call(impatient(_hold))
    except DatabaseStalledError:
        return False
    try:
        is_busy, frames, done = (await reader.rows("PRAGMA wal_checkpoint(PASSIVE)"))[0]
    finally:
        await writer.rollback()
    return bool(not is_busy and frames == done)


async def shorten_log(writer: Connection) -> bool:
    """Let the write-ahead log begin anew after a checkpoint, and cut off what lay in it.

    Returns:
        False when another process writes.
    """
    try:
        await writer.call(impatient(_begin_log_anew))
    except DatabaseStalledError:
        return False
    return True


def _hold(raw: sqlite3.Connection) -> None:
    raw.execute("BEGIN IMMEDIATE")


def _begin_log_anew(raw: sqlite3.Connection) -> None:
    """Commit a change of nothing. Reference: SQLite, PRAGMA journal_size_limit."""
    raw.execute("PRAGMA journal_size_limit = 0")
    try:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("PRAGMA user_version = 0")
        raw.execute("COMMIT")
    finally:
        undo(raw)
        raw.execute("PRAGMA journal_size_limit = -1")


def has_reset_bug(version: tuple[int, int, int] = sqlite3.sqlite_version_info[:3]) -> bool:
    """Tell whether this SQLite has the WAL-reset bug, which `checkpoint` keeps from happening."""
    is_mended = any(first <= version < last for first, last in RESETS_SAFELY)
    return version < RESETS_SAFELY_FROM and not is_mended


def flush(path: Path) -> None:
    """Bring a new file to the disk, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_for_owner(path: Path) -> bool:
    """Create the file before SQLite does, or take back what others may do with it.

    -wal and -shm take over its mode when SQLite makes them.

    Returns:
        whether there was nothing in it yet.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))
        path.chmod(OWNER_ONLY)  # whatever the umask took away
    except FileExistsError:
        _take_back(path)
    except FileNotFoundError as error:
        raise DatabaseUnavailableError(
            f"cannot create {path}: its folder does not exist; create it"
        ) from error
    except OSError as error:
        raise DatabaseUnavailableError(
            f"cannot create {path}: {error.strerror}; {REMEDIES[sqlite3.SQLITE_CANTOPEN]}"
        ) from error
    try:
        hand_over_all(path)
        return path.stat().st_size == 0
    except OSError as error:
        raise out_of_reach(path, error) from error


def out_of_reach(path: Path, error: OSError) -> DatabaseUnavailableError:
    """Return what to say of a file that the system does not let us have."""
    remedy = REMEDIES[sqlite3.SQLITE_CANTOPEN]
    return DatabaseUnavailableError(f"cannot open {path}: {error.strerror}; {remedy}")


def _take_back(path: Path) -> None:
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise out_of_reach(path, error) from error
    if is_folder:
        raise DatabaseUnavailableError(f"cannot open {path}: it is a folder; name a file in it")
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            file.chmod(OWNER_ONLY)


class Mapped:
    """Turns SQLite's errors into ours; a statement that is wrong is a bug and stays as it is.

    It is entered for every statement, so it is no generator.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, sqlite3.DatabaseError):
            return
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            return
        full_code = getattr(error, "sqlite_errorcode", 0)
        code = full_code & PRIMARY_CODE
        remedy = f"; {REMEDIES[code]}" if code in REMEDIES else ""
        may_pass = code in STALLS and full_code != sqlite3.SQLITE_READONLY_DBMOVED
        failure = DatabaseStalledError if may_pass else DatabaseUnavailableError
        raise failure(f"the database {self._path} failed: {error}{remedy}") from error


def batches(values: Iterable[str]) -> Iterator[dict[str, str]]:
    """Return values as the parameters of statements, as many at a time as one may have."""
    rest = sorted(set(values))
    for begin in range(0, len(rest), BATCH):
        yield {f"v{number}": value for number, value in enumerate(rest[begin : begin + BATCH])}


def names_of(parameters: Parameters) -> str:
    """Return the names of parameters for a list in a statement."""
    return ", ".join(f":{name}" for name in parameters)


def _statements(sql: str) -> Iterator[str]:
    """Split a script at the semicolons that end statements."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement  # the last one without its semicolon, or a comment
