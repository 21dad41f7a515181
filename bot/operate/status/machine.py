"""The machine on the status page: free disk space and the age of the last backup."""

import asyncio
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.operate.backup import NAME, last_backup
from storage.database import Database

LEAST_FREE_BYTES = 500 * 1024 * 1024


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


async def read_machine(database: Database, copies: Path | None) -> Machine:
    """Return what is known of the machine."""
    moments = [
        await last_backup(database),
        await asyncio.to_thread(_newest, copies) if copies else None,
    ]
    return Machine(
        free_bytes=await asyncio.to_thread(_free_bytes, database.folder),
        backup_at=max((one for one in moments if one is not None), default=None),
        is_copied_daily=copies is not None,
    )


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _newest(folder: Path) -> datetime | None:
    """Return when the newest daily copy was made; also one of a version that kept no note."""
    try:
        found = [path.stat().st_mtime for path in folder.iterdir() if NAME.fullmatch(path.name)]
    except OSError:
        return None
    return datetime.fromtimestamp(max(found), UTC) if found else None
