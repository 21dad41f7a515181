"""The interface that a database engine keeps, and the SQL helpers that all engines share.

The repositories keep to SQL that SQLite and PostgreSQL share (`INSERT .. ON CONFLICT`,
`RETURNING`, savepoints, named parameters). What an engine does in its own way is behind this
interface, so that another engine is a folder beside `storage/sqlite`, with its own migrations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from storage.backups import Backup, Restoring, Since
from storage.location import Location
from storage.queue.direction import Direction

Row = tuple[Any, ...]
Parameters = Mapping[str, Any]
Statement = tuple[str, Parameters]

Committed = Callable[[Set[Direction]], None]
"""Is told after each commit in which directions an item may be due."""

LARGEST_BATCH = 500
"""Parameters in one statement."""


class Dialect(Protocol):
    """SQL that each engine says in its own words; parts of statements, by names and literals."""

    def contains(self, column: str, parameter: str) -> str:
        """Return the condition that a text contains another one."""
        ...

    def members(self, parameter: str) -> str:
        """Return a query for the members of a JSON array."""
        ...

    def says(self, column: str, key: str, value: str) -> str:
        """Return the condition that somewhere in a JSON text a key has a value."""
        ...

    def appended(self, column: str, parameter: str) -> str:
        """Return a JSON array with one more member."""
        ...


class Session(Protocol):
    """What the repositories run their statements on."""

    @property
    def dialect(self) -> Dialect:
        """Return how the engine says what engines say differently."""
        ...

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        ...

    async def batch(self, *statements: Statement) -> list[list[Row]]:
        """Run several statements in one go and return the rows of each."""
        ...

    async def at_length(self, *statements: Statement) -> list[list[Row]]:
        """Run statements that may take long, while the program goes on."""
        ...


class Engine(Protocol):
    """An open database.

    Every method raises `DatabaseUnavailableError`, or its subclass `DatabaseStalledError` for what
    may pass without a restart.
    """

    def write(self, touched: Set[Direction]) -> AbstractAsyncContextManager[Session]:
        """Run the block as one transaction, durable when the block is left without an error.

        Args:
            touched: in which directions the block makes items due; filled while it runs.
        """
        ...

    @property
    def reading(self) -> Session:
        """Return a session that reads what is committed, without waiting for writers."""
        ...

    async def backup(self, target: Path) -> None:
        """Write a consistent copy into a new file, while everything goes on."""
        ...

    async def checkpoint(self) -> bool:
        """Bring what is committed into its final place; False if not all of it could be."""
        ...

    async def compact(self) -> None:
        """Give back the space of what was removed, and wipe it from every file."""
        ...

    async def drain(self) -> None:
        """Wait for commits that cancelled callers left behind."""
        ...


class Backend(Protocol):
    """An engine before a database is open: what it opens, locks and restores.

    Every method raises a `StorageError` where it cannot do that.
    """

    name: str
    """What it is called, for `check`."""

    def version(self) -> str:
        """Return the version of what it works with, and what is to know about it."""
        ...

    def open(
        self, location: Location, committed: Committed, *, exclusive: bool
    ) -> AbstractAsyncContextManager[Engine]:
        """Open a database and bring its schema up to date.

        Args:
            location: where it is; it is made where it can be.
            committed: is told after each commit.
            exclusive: whether to be the one instance that runs on it.
        """
        ...

    def look(self, location: Location) -> AbstractAsyncContextManager[Session]:
        """Read a database that exists and has the current schema; nothing is changed."""
        ...

    def lock(self, location: Location, purpose: str = "") -> AbstractContextManager[None]:
        """Hold the lock of the one instance, or of one work of its kind; it ends with a kill."""
        ...

    def owner_kept_from(self, location: Location) -> str | None:
        """Return whose database it is, if this user must not write to it."""
        ...

    def inspect(self, file: Path, location: Location) -> Backup:
        """Look at a backup from end to end, without changing it."""
        ...

    def since(self, backup: Backup, location: Location) -> Since | None:
        """Count what a backup lacks; None when the database is damaged."""
        ...

    def restoring(self, backup: Backup, location: Location, now: datetime) -> Restoring:
        """Return what puts a backup in the database's place, while the lock is held."""
        ...


def batches(values: Iterable[str]) -> Iterator[dict[str, str]]:
    """Return values as the parameters of statements, as many at a time as one may have."""
    rest = sorted(set(values))
    for begin in range(0, len(rest), LARGEST_BATCH):
        yield {
            f"v{number}": value for number, value in enumerate(rest[begin : begin + LARGEST_BATCH])
        }


def names_of(parameters: Parameters) -> str:
    """Return the names of parameters for a list in a statement."""
    return ", ".join(f":{name}" for name in parameters)
