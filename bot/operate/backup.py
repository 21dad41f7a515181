"""Daily copies of the database, and how many of them are kept."""

import asyncio
import logging
import re
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

from storage.database import Database
from storage.errors import StorageError

NAME = re.compile(r"kommo-telegram-\d{4}-\d{2}-\d{2}\.sqlite3")
"""The names of our copies: nothing else in the folder is ever removed."""

BACKED_UP = "backed-up"
"""The fact: when the database was copied last."""

log = logging.getLogger(__name__)


async def note_backup(database: Database, *, now: datetime) -> None:
    """Store that a copy was made; the copy is good even where that cannot be stored."""
    try:
        async with database.transaction() as tx:
            await tx.facts.put(BACKED_UP, now.isoformat(timespec="seconds"))
    except StorageError as error:
        log.warning("the time of the backup is not stored: %s", error)


async def last_backup(database: Database) -> datetime | None:
    """Return when the database was copied last, as far as that was noted."""
    async with database.snapshot() as snapshot:
        return moment_of(await snapshot.facts.get(BACKED_UP))


def moment_of(noted: str | None) -> datetime | None:
    """Return the moment that was noted."""
    return datetime.fromisoformat(noted) if noted else None


async def daily_backup(database: Database, folder: Path, *, today: date, keep: int) -> Path | None:
    """Make today's copy and remove the oldest ones; None when today's is there.

    Raises:
        DatabaseUnavailableError: it cannot be written, or is damaged; no half copy stays.
    """
    target = folder / f"kommo-telegram-{today.isoformat()}.sqlite3"
    if target.exists():
        return None
    await asyncio.to_thread(folder.mkdir, mode=0o700, exist_ok=True)
    await database.backup(target)
    await asyncio.to_thread(_rotate, folder, keep)
    return target


def too_old(names: Iterable[str], *, keep: int) -> list[str]:
    """Return those of our copies that are not among the newest."""
    ours = sorted(name for name in names if NAME.fullmatch(name))
    return ours[:-keep]


def _rotate(folder: Path, keep: int) -> None:
    for name in too_old((path.name for path in folder.iterdir()), keep=keep):
        (folder / name).unlink()
