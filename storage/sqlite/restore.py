"""A backup in the database's place, while nobody uses it; what was there is kept aside.

Each step leaves a database that can be started: the old one until a single rename, the new one
from then on. So a kill, a full disk or a file that is no good leaves everything as it was.
Reference: rename(2); SQLite, How To Corrupt An SQLite Database File, section 1.4: a log that is
left beside another database is played into it. So the old one's is brought into it before.
"""

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from storage.backups import Backup
from storage.errors import DatabaseBusyError, DatabaseUnavailableError
from storage.location import STATE, Location
from storage.new_files import create_part, flush
from storage.owners import ROOT, Owner, owner_of
from storage.reasons import reason
from storage.sqlite.backups import beside, reading
from storage.sqlite.connection import BUSY_TIMEOUT_S
from storage.sqlite.copies import verify
from storage.sqlite.errors import PRIMARY_CODE, Mapped, is_outside
from storage.sqlite.files import ENDINGS, LOG

Condition = Literal["none", "sound", "damaged"]


class Restoring:
    """One restore: first what may fail, then what must not; the instance lock is held.

    Args:
        backup: what was inspected.
        location: in which database's place it is put.
        aside: the name under which what is there is kept.
    """

    def __init__(self, backup: Backup, location: Location | Path, now: datetime) -> None:
        self._backup = backup
        self._location = Location.of(location)
        self._database = database = self._location.path
        self._new = beside(database, ".restoring")
        self._written: os.stat_result | None = None
        self._kept: list[tuple[Path, Path]] = []
        self.aside = _free_name(self._location, now)

    def run(self) -> bool:
        """Put the backup in the database's place; tell whether anything was kept aside.

        Raises:
            DatabaseUnavailableError: it could not be done; everything is as it was.
            DatabaseBusyError: a command uses the database.
        """
        try:
            self._copy(owner_of(self._database))
            condition = settle(self._database)
            self._keep_aside()
            self._replace(condition)
        except OSError as error:
            self._undo()
            raise DatabaseUnavailableError(
                f"cannot restore {self._database}, it is as it was: {reason(error)}"
            ) from error
        except BaseException:
            self._undo()
            raise
        with suppress(OSError):  # they do not fit, and the next start sees that too
            self._remove(STATE)
            for folder in self._location.folders:
                flush(folder)
        return bool(self._kept)

    def _copy(self, owner: Owner) -> None:
        try:
            self._write_new(owner)
        except DatabaseUnavailableError as error:
            raise DatabaseUnavailableError(
                f"cannot restore {self._database}, it is as it was: {error}"
            ) from error

    def _write_new(self, owner: Owner) -> None:
        """Write the new database beside the old one, and read it once more."""
        self._clean_up()
        create_part(self._new, self._new)
        with (
            Mapped(self._new),
            reading(self._backup.file) as raw,
            closing(sqlite3.connect(self._new)) as copy,
        ):
            raw.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        verify(self._new)
        if os.geteuid() == ROOT:
            os.chown(self._new, owner.user, owner.group)
        flush(self._new)
        self._written = self._new.stat()

    def _keep_aside(self) -> None:
        """Give the old files second names; they keep their own until the rename."""
        for end in ("", *ENDINGS):
            if (file := _file(self._location, end)).exists():
                name = _file(Location(self.aside, self._location.state_dir), end)
                self._kept.append((file, name))
                _link(file, name)
        for folder in self._location.folders:
            if folder.exists():
                flush(folder)

    def _replace(self, condition: Condition) -> None:
        if condition == "damaged":  # its log fits no other one; it is kept aside
            self._remove(LOG)
        self._new.rename(self._database)

    def _remove(self, endings: tuple[str, ...]) -> None:
        for end in endings:
            _file(self._location, end).unlink(missing_ok=True)

    def _undo(self) -> None:
        """Take away what was made; after the rename only the old database's second names are left.

        Ctrl-C is noticed when a call has returned: the rename is done then, and stays.
        """
        if self._is_in_place():
            return
        self._clean_up()
        for file, name in self._kept:
            if file.exists():
                name.unlink(missing_ok=True)
            elif name.exists():  # the log of a damaged database
                name.rename(file)

    def _is_in_place(self) -> bool:
        if self._written is None or not self._database.exists():
            return False
        return os.path.samestat(self._written, self._database.stat())

    def _clean_up(self) -> None:
        for end in ("", "-journal", *LOG):
            beside(self._new, end).unlink(missing_ok=True)


def settle(database: Path) -> Condition:
    """Bring the log of a database into it, while nobody else has it open, and take it away.

    Raises:
        DatabaseBusyError: somebody has it open.
        DatabaseUnavailableError: that failed, for a reason outside the database.
    """
    if not database.exists():
        return "damaged" if any(beside(database, end).exists() for end in LOG) else "none"
    try:
        with closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT_S)) as raw:
            (mode,) = raw.execute("PRAGMA journal_mode = DELETE").fetchone()
            raw.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise _in_use(database) from error
        if is_outside(error):
            raise DatabaseUnavailableError(
                f"cannot restore {database}: {error}; make room on its disk, and the file and "
                "its folder writable for this user; it is as it was"
            ) from error
        return "damaged"
    if mode != "delete":
        raise _in_use(database)
    return "sound"


def _in_use(database: Path) -> DatabaseBusyError:
    return DatabaseBusyError(
        f"another command uses {database}; wait until it ends, then give this one again"
    )


def _free_name(location: Location, now: datetime) -> Path:
    """Return a name with the time in it that nothing has yet."""
    name = beside(location.path, f".before-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    number = 1
    free = name
    while any(_file(Location(free, location.state_dir), end).exists() for end in ("", *ENDINGS)):
        number += 1
        free = beside(name, f"-{number}")
    return free


def _file(location: Location, end: str) -> Path:
    """Return one of the files that are of one piece with a database."""
    return location.beside(end) if end in STATE else beside(location.path, end)


def _link(file: Path, name: Path) -> None:
    """Give a file a second name, or make a copy where the file system has one name for each."""
    try:
        name.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError:
        _copy_file(file, name)


def _copy_file(file: Path, name: Path) -> None:
    found = file.stat()
    name.write_bytes(b"")
    name.chmod(found.st_mode & 0o777)
    with file.open("rb") as source, name.open("wb") as target:
        while piece := source.read(1 << 20):
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
