"""The machine that a service stands on: free disk space and the age of the last backup."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.operate.backup import NAME, last_backup
from storage.database import Database
from storage.location import Location

LEAST_FREE_BYTES = 500 * 1024 * 1024

OLD_COPY = timedelta(days=2)
"""A daily copy that is older than this was missed."""


@dataclass(frozen=True)
class Machine:
    """What a service stands on.

    Args:
        free_bytes: of the database's disk; None when that cannot be told.
        backup_at: when the database was copied last; None when it never was.
        is_copied_daily: whether the settings name a folder for daily copies.
    """

    free_bytes: int | None
    backup_at: datetime | None
    is_copied_daily: bool

    def is_copy_missed(self, at: datetime) -> bool:
        """Tell whether there should be a newer copy, as the settings ask for one a day."""
        return self.is_copied_daily and (self.backup_at is None or at - self.backup_at > OLD_COPY)


async def read_machine(database: Database, copies: Path | None) -> Machine:
    """Return what is known of the machine."""
    noted = await last_backup(database)
    return await asyncio.to_thread(machine_with, noted, copies, database.location)


def machine_with(noted: datetime | None, copies: Path | None, location: Location) -> Machine:
    """Return what is known of the machine.

    Args:
        noted: when the database was copied last, as it was noted.
        copies: where the daily copies are.
        location: where the data is.
    """
    moments = [noted, _newest(copies) if copies else None]
    return Machine(
        free_bytes=_free_bytes(location),
        backup_at=max((one for one in moments if one is not None), default=None),
        is_copied_daily=copies is not None,
    )


def _free_bytes(location: Location) -> int | None:
    try:
        return location.free_bytes()
    except OSError:
        return None


def _newest(folder: Path) -> datetime | None:
    """Return when the newest daily copy was made; also one of a version that kept no note."""
    try:
        found = [path.stat().st_mtime for path in folder.iterdir() if NAME.fullmatch(path.name)]
    except OSError:
        return None
    return datetime.fromtimestamp(max(found), UTC) if found else None
