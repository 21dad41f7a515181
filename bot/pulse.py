"""The pulse: until when the bridge was alive, and whether the database is the one it left."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.database import Database
from storage.stamp import read_stamp, write_stamp

ALIVE_AT = "alive_at"

AT_MOST_APART = timedelta(seconds=60)
"""Both signs of life are written together; a kill between them parts them by one beat."""


@dataclass(frozen=True)
class Life:
    """What an earlier run left.

    Args:
        alive_at: when it was alive last; None when none ran on this database.
        is_continued: whether this is the database as it left it, not a copy from before.
    """

    alive_at: datetime | None
    is_continued: bool


@dataclass(frozen=True)
class Pulse:
    """Leaves signs of life in the database and beside it, and compares them at the start."""

    database: Database
    now: Callable[[], datetime]

    async def beat(self) -> None:
        """Leave a sign of life; it shows too that the database takes writes."""
        at = self.now().isoformat(timespec="seconds")
        async with self.database.transaction() as tx:
            await tx.notes.put(ALIVE_AT, at)
        write_stamp(self.database.path, at)

    async def last(self) -> Life:
        """Return what the last run left; ask before the first beat."""
        async with self.database.snapshot() as snapshot:
            inside = moment(await snapshot.notes.get(ALIVE_AT))
        beside = moment(read_stamp(self.database.path))
        is_continued = (
            inside is not None and beside is not None and abs(inside - beside) <= AT_MOST_APART
        )
        return Life(inside, is_continued)


def moment(text: str | None) -> datetime | None:
    """Read a moment that was noted; None when it is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None
