"""The connection that writes, for tests that look beneath a database."""

from storage.database import Database
from storage.sqlite.connection import Connection
from storage.sqlite.engine import SqliteEngine


def raw_writer(database: Database) -> Connection:
    """Return what no module but the engine may reach."""
    engine = database._engine
    assert isinstance(engine, SqliteEngine)
    return engine.writer.connection
