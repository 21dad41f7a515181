"""Everything that is SQLite's own: connections, pragmas, transactions, errors, the instance lock.

The other modules keep to SQL that SQLite and PostgreSQL share (`INSERT .. ON CONFLICT`,
`RETURNING`, named parameters): a second engine needs a second module like this one, and its
own migrations.
"""

import errno
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import aiosqlite

from storage.errors import DatabaseBusyError, DatabaseUnavailableError

BUSY_TIMEOUT_MS = 5000
OWNER_ONLY = 0o600
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)

Row = tuple[Any, ...]
Parameters = Mapping[str, Any]


class Connection:
    """One connection: statements one after another, in autocommit until `begin`."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open; SQLite ends one by itself when the disk is full."""
        return self._connection.in_transaction

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        with _mapped(self._path):
            rows = await self._connection.execute_fetchall(sql, parameters or {})
            return cast(list[Row], rows)

    async def begin(self) -> None:
        """Begin a transaction that writes."""
        await self.rows("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        """Commit: on disk when this returns."""
        await self.rows("COMMIT")

    async def rollback(self) -> None:
        """Undo the transaction, if SQLite has not done so already."""
        if self.in_transaction:
            await self.rows("ROLLBACK")

    async def script(self, sql: str) -> None:
        """Run several statements of a migration."""
        with _mapped(self._path):
            for statement in _statements(sql):
                await self._connection.execute(statement)


@asynccontextmanager
async def connect(path: Path, *, read_only: bool = False) -> AsyncIterator[Connection]:
    """Open a connection; its thread ends with the block.

    Raises:
        DatabaseUnavailableError: the file cannot be opened or is no database.
    """
    if not path.parent.is_dir():
        raise DatabaseUnavailableError(f"the folder of the database does not exist: {path.parent}")
    _create_for_owner(path)
    with _mapped(path):
        connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        opened = Connection(connection, path)
        for pragma in PRAGMAS:
            await opened.rows(pragma)
        if read_only:
            await opened.rows("PRAGMA query_only = ON")
        yield opened
    finally:
        await connection.close()


@contextmanager
def instance_lock(path: Path) -> Iterator[None]:
    """Hold the lock that only one instance can hold; the kernel releases it even after kill -9.

    Raises:
        DatabaseBusyError: another process holds it.
    """
    lock_path = path.with_name(path.name + ".lock")
    descriptor = _open_for_owner(lock_path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise DatabaseUnavailableError(
                    f"cannot lock {lock_path}: {error.strerror}"
                ) from error
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise DatabaseBusyError(
                f"another instance (process {holder}) runs on this database; "
                f"stop it first ({lock_path})"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _create_for_owner(path: Path) -> None:
    """Create the file before SQLite does; -wal and -shm take over its mode.

    A file that is there is never opened here: closing any descriptor of it would release the locks
    that SQLite's connections of this process hold, and another process would then delete the WAL
    under us.
    Reference: SQLite, How To Corrupt An SQLite Database File.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))
    except FileExistsError:
        return
    except OSError as error:
        raise DatabaseUnavailableError(f"cannot create {path}: {error.strerror}") from error


def _open_for_owner(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
    except OSError as error:
        raise DatabaseUnavailableError(f"cannot open {path}: {error.strerror}") from error


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours; a statement that is wrong is a bug and stays as it is."""
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise
        raise DatabaseUnavailableError(f"the database {path} failed: {error}") from error


def _statements(sql: str) -> Iterator[str]:
    """Split a script at the semicolons that end statements."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
