"""The pulse: until when the bridge was alive, and whether the database is the one it left."""

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from storage.database import Database
from storage.location import HEARTBEAT
from storage.stamp import read_stamp, write_stamp

ALIVE_AT = "alive_at"
BEAT = "beat"
"""The fact: the latest beat, a random word, which the file beside has too."""

NO_BEAT = "-"
BEATS = re.compile(r"(-|[0-9a-f]{16})( [0-9a-f]{16})?")

AT_MOST_APART = timedelta(seconds=60)
"""Earlier versions left the moment in both places; a kill parted them by one beat."""

Origin = Literal["new", "continued", "copied", "unknown"]


@dataclass(frozen=True)
class Life:
    """What an earlier run left.

    Args:
        alive_at: when it was alive last; None when none ran on this database.
        origin: whether the database is as it was left; `copied`: it was restored or moved, and
            nobody knows what was done since; `unknown`: nothing speaks for or against that.
    """

    alive_at: datetime | None
    origin: Origin


@dataclass(frozen=True)
class Pulse:
    """Leaves signs of life in the database and beside it, and compares them at the start."""

    database: Database
    now: Callable[[], datetime]

    @property
    def path(self) -> Path:
        """Return the file beside the database."""
        return self.database.location.beside(HEARTBEAT)

    async def beat(self) -> None:
        """Leave a sign of life; it shows too that the database takes writes.

        The file comes first and names both beats, so that it fits wherever a kill comes between;
        with the beat in the database, the earlier one, which a copy may have, is forgotten.
        """
        at, beat = self.now().isoformat(timespec="seconds"), secrets.token_hex(8)
        async with self.database.snapshot() as snapshot:
            before = await snapshot.facts.get(BEAT) or NO_BEAT
        is_beside = await asyncio.to_thread(write_stamp, self.path, f"{before} {beat}")
        async with self.database.transaction() as tx:
            await tx.facts.put(ALIVE_AT, at)
            if is_beside:
                await tx.facts.put(BEAT, beat)
        if is_beside:
            await asyncio.to_thread(write_stamp, self.path, beat)

    async def last(self) -> Life:
        """Return what the last run left; ask before the first beat."""
        async with self.database.snapshot() as snapshot:
            alive_at = moment(await snapshot.facts.get(ALIVE_AT))
            beat = await snapshot.facts.get(BEAT) or NO_BEAT
        return Life(alive_at, _origin(alive_at, beat, read_stamp(self.path)))


def _origin(alive_at: datetime | None, beat: str, beside: str | None) -> Origin:
    """Compare the sign of life in the database with the one beside it."""
    if alive_at is None:
        return "new"
    if beside is None:
        return "copied"
    if BEATS.fullmatch(beside):
        return "continued" if beat in beside.split() else "copied"
    earlier = moment(beside)
    if earlier is None:
        return "unknown"
    return "continued" if abs(alive_at - earlier) <= AT_MOST_APART else "copied"


def moment(text: str | None) -> datetime | None:
    """Read a moment that was noted; None when it is not one."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None
