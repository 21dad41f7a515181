"""The interface that a database engine keeps, and the SQL helpers that all engines share.

The repositories keep to SQL that SQLite and PostgreSQL share (`INSERT .. ON CONFLICT`,
`RETURNING`, savepoints, named parameters). What an engine does in its own way is behind this
interface, so that another engine is a folder beside `storage/sqlite`, with its own migrations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from storage.queue.direction import Direction

Row = tuple[Any, ...]
Parameters = Mapping[str, Any]
Statement = tuple[str, Parameters]

Committed = Callable[[Set[Direction]], None]
"""Is told after each commit in which directions an item may be due."""

LARGEST_BATCH = 500
"""Parameters in one statement."""


class Session(Protocol):
    """What the repositories run their statements on."""

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

    @property
    def path(self) -> Path:
        """Return the database's file; side files stand beside it."""
        ...

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
