"""Checkpoints of the write-ahead log, never beside a commit, and pages given back."""

import sqlite3
from collections.abc import Callable

from storage.errors import DatabaseStalledError
from storage.sqlite.connection import Connection, Work, impatient, undo

RESETS_SAFELY = (((3, 44, 6), (3, 45, 0)), ((3, 50, 7), (3, 51, 0)))
"""Older releases in which the WAL-reset bug is fixed: from the first to before the last."""

RESETS_SAFELY_FROM = (3, 51, 3)


How = Callable[[Work], Work]
"""How one waits for other processes; `impatient` is: not at all."""


async def checkpoint(writer: Connection, reader: Connection, how: How = impatient) -> bool:
    """Bring the write-ahead log into the database, while nobody can commit.

    SQLite 3.7.0 to 3.51.2 may lose commits when a checkpoint runs beside another connection's
    commit. So one connection holds the lock of all writers, in this process or another, while the
    other one checkpoints; no connection checkpoints by itself. (When the last connection of all is
    closed, SQLite checkpoints as well; it then holds the whole file for itself.)
    Reference: SQLite, Write-Ahead Logging, "The WAL Reset Bug".

    Args:
        writer: holds the lock.
        reader: checkpoints.
        how: the lock is waited for.

    Returns:
        whether all of the log is in the database; False also when another process writes.
    """
    try:
        await writer.call(how(_hold))
    except DatabaseStalledError:
        return False
    try:
        is_busy, frames, done = (await reader.rows("PRAGMA wal_checkpoint(PASSIVE)"))[0]
    finally:
        await writer.rollback()
    return bool(not is_busy and frames == done)


async def shorten_log(writer: Connection, how: How = impatient) -> bool:
    """Let the write-ahead log begin anew after a checkpoint, and cut off what lay in it.

    Args:
        writer: commits.
        how: other processes are waited for.

    Returns:
        False when another process writes.
    """
    try:
        await writer.call(how(_begin_log_anew))
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


async def free_pages(connection: Connection, pages: int, how: How = impatient) -> int:
    """Give a number of free pages back to the disk; return how many are left."""

    def free(raw: sqlite3.Connection) -> None:
        # a script runs to its end; a single statement without columns would free a single page
        raw.executescript(f"PRAGMA incremental_vacuum({pages})")

    await connection.call(how(free))
    return int((await connection.rows("PRAGMA freelist_count"))[0][0])


def has_reset_bug(version: tuple[int, int, int] = sqlite3.sqlite_version_info[:3]) -> bool:
    """Tell whether this SQLite has the WAL-reset bug, which `checkpoint` keeps from happening."""
    is_mended = any(first <= version < last for first, last in RESETS_SAFELY)
    return version < RESETS_SAFELY_FROM and not is_mended
