"""Copies of a database: consistent, whole or not there, and verified."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.errors import DatabaseUnavailableError
from storage.sqlite.connection import Connection
from storage.sqlite.errors import Mapped
from storage.sqlite.files import flush
from storage.sqlite.owners import OWNER_ONLY, hand_over, owner_of


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
