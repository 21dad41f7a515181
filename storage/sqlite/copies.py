"""Copies of a database: consistent, whole or not there, and verified."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.errors import DatabaseUnavailableError
from storage.new_files import create_part, flush, refuse_existing
from storage.owners import hand_over, owner_of
from storage.reasons import reason
from storage.sqlite.connection import Connection
from storage.sqlite.errors import Mapped


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


def _finish(source: Path, part: Path, target: Path) -> None:
    """Verify a copy, and give it its owner and its name."""
    try:
        flush(part)
        verify(part)
        owner = owner_of(source)
        if target.parent.stat().st_uid == owner.user:
            hand_over(part, owner)
        _name(part, target)
        flush(target.parent)
    except OSError as error:
        raise DatabaseUnavailableError(f"cannot create {target}: {reason(error)}") from error


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
