"""The files of a database: their modes, their owner, and how they reach the disk.

A trap to know: when a process closes any descriptor of the database file, POSIX drops the locks
that SQLite holds on it, and another process may then remove the write-ahead log under our feet,
with what was committed in it. So nothing here opens an existing database file but SQLite itself.
Reference: SQLite, How To Corrupt An SQLite Database File, section 2.2.
"""

import contextlib
import os
from pathlib import Path

from storage.errors import DatabaseUnavailableError
from storage.location import STATE
from storage.owners import OWNER_ONLY, ROOT, hand_over, owner_of
from storage.reasons import reason
from storage.sqlite.errors import ACCESSIBLE, out_of_reach

LOG = ("-wal", "-shm")
ENDINGS = (*LOG, *STATE)
"""Of the files beside a database that are of one piece with it."""

LOCK = ".lock"


def keep_for_owner(path: Path) -> bool:
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
            f"cannot create {path}: {reason(error, ACCESSIBLE)}"
        ) from error
    try:
        hand_over_all(path)
        return path.stat().st_size == 0
    except OSError as error:
        raise out_of_reach(path, error) from error


def _take_back(path: Path) -> None:
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise out_of_reach(path, error) from error
    if is_folder:
        raise DatabaseUnavailableError(f"cannot open {path}: it is a folder; name a file in it")
    for file in (path, *(path.with_name(path.name + end) for end in LOG)):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            file.chmod(OWNER_ONLY)


def hand_over_all(database: Path) -> None:
    """Give a database and the files beside it to its owner, where root has made them."""
    if os.geteuid() == ROOT:
        owner = owner_of(database)
        for file in (database, *files_beside(database)):
            hand_over(file, owner)


def files_beside(database: Path) -> list[Path]:
    """Return the names of all files that may be beside a database."""
    return [database.with_name(database.name + end) for end in (*ENDINGS, LOCK)]
