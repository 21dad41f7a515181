"""Backups: what is known of one, and what puts it in the database's place."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Backup:
    """A backup that may take the database's place.

    Args:
        latest_at: when the newest thing in it was written; None when it is empty.
        conversations: how many it knows.
    """

    file: Path
    latest_at: datetime | None
    conversations: int


@dataclass(frozen=True)
class Since:
    """What the database has and a backup has not: messages, conversations, items not done yet."""

    incoming: int
    outgoing: int
    conversations: int
    to_kommo: int
    to_telegram: int


class Restoring(Protocol):
    """One restore: it is done, or everything is as it was."""

    aside: Path
    """The name under which what is there is kept."""

    def run(self) -> bool:
        """Put the backup in the database's place; tell whether anything was kept aside.

        Raises:
            DatabaseUnavailableError: it could not be done; everything is as it was.
            DatabaseBusyError: a command uses the database.
        """
        ...
