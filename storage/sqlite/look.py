"""A look at the database that changes nothing: neither its schema, nor the files beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.database import Snapshot
from storage.sqlite.connection import Reading
from storage.sqlite.connection import look as connect_to_look
from storage.sqlite.schema import require_current


@asynccontextmanager
async def look(path: Path) -> AsyncIterator[Snapshot]:
    """Read a database that exists.

    Raises:
        SchemaTooNewError: it is newer than this program.
        SchemaTooOldError: it is older; the service's next start brings it up to date.
        DatabaseUnavailableError: it cannot be read.
    """
    async with connect_to_look(path) as connection:
        await require_current(connection)
        yield Snapshot(Reading(connection))
