"""Connections to a SQLite file: statements one after another, at once or on a thread."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiosqlite

from storage.engine import Parameters, Row, Statement
from storage.errors import DatabaseStalledError, DatabaseUnavailableError
from storage.sqlite.dialect import DIALECT
from storage.sqlite.errors import Mapped
from storage.sqlite.files import keep_for_owner

BUSY_TIMEOUT_S = 2.0
"""How long a writer waits for another process, such as `queue retry`: less than Kommo waits."""

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is forgotten is overwritten, not only unlinked
    "PRAGMA wal_autocheckpoint = 0",  # a checkpoint beside a commit may corrupt: see `checkpoint`
)

NEW_FILE = "PRAGMA auto_vacuum = INCREMENTAL"
"""For a new file only: on another it has no effect, but writes."""
QUERY_ONLY = "PRAGMA query_only = ON"

AT_ONCE_STEPS = 20_000
"""So many steps of SQLite's machine take about a millisecond; longer questions hold nobody up."""

READ_PAUSES_S = (0.05, 0.2, 0.5)
"""Pauses before a read that failed for a moment is repeated."""

CACHED_STATEMENTS = 512
T = TypeVar("T")

Work = Callable[[sqlite3.Connection], None]


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

    dialect = DIALECT

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


def impatient(work: Work) -> Work:
    """Return work that fails where it would have to wait for another process."""

    def do(raw: sqlite3.Connection) -> None:
        raw.execute("PRAGMA busy_timeout = 0")
        try:
            work(raw)
        finally:
            raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")

    return do


def undo(raw: sqlite3.Connection) -> None:
    """Roll back, on the connection's thread, unless SQLite has done so by itself."""
    if raw.in_transaction:
        raw.execute("ROLLBACK")


async def _begin(thread: _Thread, path: Path) -> None:
    """Open the file; where that fails, let the thread end before the loop may."""
    try:
        with Mapped(path):
            await thread
    except BaseException:
        await asyncio.to_thread(thread._thread.join, BUSY_TIMEOUT_S)
        raise


@asynccontextmanager
async def connect(path: Path, *, read_only: bool = False) -> AsyncIterator[Connection]:
    """Open a connection; its thread ends with the block.

    Raises:
        DatabaseUnavailableError: the file cannot be opened or is no database.
    """
    is_new = keep_for_owner(path)
    open_file = partial(
        sqlite3.connect,
        path,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
        check_same_thread=False,  # its thread and the loop's take turns, see `is_idle`
    )
    thread = _Thread(open_file)
    await _begin(thread, path)
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
    await _begin(thread, path)
    opened = Connection(thread, path)
    try:
        yield opened
    finally:
        await opened.close()


def _looking_at(path: Path) -> str:
    has_log = os.path.exists(f"{path}-wal")  # noqa: PTH110 - Path.exists raises without access
    return f"{path.absolute().as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"


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
