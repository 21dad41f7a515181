"""SQLite's errors as ours, with the remedy."""

import sqlite3
from pathlib import Path
from types import TracebackType

from storage.errors import DatabaseStalledError, DatabaseUnavailableError
from storage.reasons import WITH_SUDO, reason

ACCESSIBLE = "make the file and its folder accessible for this user"

REMEDIES = {
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_IOERR: "free some space on its disk; where there is some, the disk fails",
    sqlite3.SQLITE_READONLY: (
        f"make the file and its folder writable for this user, or {WITH_SUDO}"
    ),
    sqlite3.SQLITE_CANTOPEN: f"{ACCESSIBLE}, or {WITH_SUDO}",
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

OUTSIDE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
}
"""What says nothing of the database itself ..."""

UNREADABLE = {
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
}
"""... but for what its disk does not give back any more."""


def is_outside(error: sqlite3.Error) -> bool:
    """Tell whether an error may come from a full disk, another process or the like."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & PRIMARY_CODE in OUTSIDE and code not in UNREADABLE


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


def out_of_reach(path: Path, error: OSError) -> DatabaseUnavailableError:
    """Return what to say of a file that the system does not let us have."""
    return DatabaseUnavailableError(f"cannot open {path}: {reason(error, ACCESSIBLE)}")
