"""SQLite as one of the engines that may keep the data."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path

from storage.backups import Backup, Restoring, Since
from storage.engine import Committed, Engine, Session
from storage.location import Location
from storage.owners import ROOT, owner_of
from storage.sqlite import backups
from storage.sqlite.checkpoints import has_reset_bug
from storage.sqlite.connection import Reading, look
from storage.sqlite.engine import open_sqlite
from storage.sqlite.lock import instance_lock
from storage.sqlite.restore import Restoring as SqliteRestoring
from storage.sqlite.schema import require_current


class SqliteBackend:
    """Opens, looks at, locks and restores SQLite's files; see `storage.engine.Backend`."""

    name = "SQLite"

    def open(
        self, location: Location, committed: Committed, *, exclusive: bool
    ) -> AbstractAsyncContextManager[Engine]:
        """Open a file and bring its schema up to date."""
        return open_sqlite(location.path, committed, exclusive=exclusive)

    @asynccontextmanager
    async def look(self, location: Location) -> AsyncIterator[Session]:
        """Read a file that exists; neither it nor the files beside it change."""
        async with look(location.path) as connection:
            await require_current(connection)
            yield Reading(connection)

    def lock(self, location: Location, purpose: str = "") -> AbstractContextManager[None]:
        """Hold a lock beside the file, which is the service's unless it has a purpose."""
        return instance_lock(location.path.with_name(f"{location.path.name}{purpose}"))

    def owner_kept_from(self, location: Location) -> str | None:
        """Return whose files these are if this is root, which must not write to them."""
        if os.geteuid() != ROOT:
            return None
        try:
            owner = owner_of(location.path)
        except OSError:
            return None  # whoever opens it says better what is wrong
        return owner.name if owner.user != ROOT else None

    def inspect(self, file: Path, location: Location) -> Backup:
        """Look at a backup from end to end."""
        return backups.inspect(file, location.path)

    def since(self, backup: Backup, location: Location) -> Since | None:
        """Count what would be lost."""
        return backups.since(backup, location.path)

    def restoring(self, backup: Backup, location: Location, now: datetime) -> Restoring:
        """Return what puts a backup in the database's place."""
        return SqliteRestoring(backup, location, now)

    def version(self) -> str:
        """Return the library's version, and a bug that it has."""
        if not has_reset_bug():
            return sqlite3.sqlite_version
        return (
            f"{sqlite3.sqlite_version} has the WAL-reset bug (fixed in 3.51.3); the bridge "
            "avoids it"
        )
