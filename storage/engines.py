"""The engines: the one place where it is decided which of them keeps the data."""

from storage.engine import Backend
from storage.location import Location
from storage.sqlite.backend import SqliteBackend

SQLITE = SqliteBackend()


def backend_of(_location: Location) -> Backend:
    """Return the engine that keeps the data of a location."""
    return SQLITE
