"""Migrations: `migrations/NNNN_name.sql`, in order, each once; a newer database is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from storage.errors import SchemaTooNewError, SchemaTooOldError
from storage.sqlite.connection import Connection


@dataclass(frozen=True)
class Migration:
    """One step from a version of the schema to the next."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """Return all known migrations, in order."""
    folder = resources.files("storage.sqlite").joinpath("migrations")
    found = [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


async def migrate(connection: Connection, known: Sequence[Migration] | None = None) -> None:
    """Apply every known migration that is missing, all of them or none.

    Raises:
        SchemaTooNewError: the database knows more than this program.
    """
    known = migrations() if known is None else known
    if not _missing(await _applied(connection), known):
        return  # nothing to write: a command may read while the disk is full
    await connection.begin()
    try:
        await _apply_missing(connection, known)
    except BaseException:
        await connection.rollback()
        raise
    await connection.commit()


async def require_current(connection: Connection) -> None:
    """Want every known migration to be there already, for who only looks.

    Raises:
        SchemaTooNewError: the database knows more than this program.
        SchemaTooOldError: it knows less.
    """
    if _missing(await _applied(connection), migrations()):
        raise SchemaTooOldError(
            "the database is of an older version; the next start of the service brings it up "
            "to date"
        )


async def _apply_missing(connection: Connection, known: Sequence[Migration]) -> None:
    await connection.rows(
        "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, name TEXT)"
    )
    # asked again: another process may have been faster
    for migration in _missing(await _applied(connection), known):
        await connection.script(migration.sql)
        await connection.rows(
            "INSERT INTO schema_migrations (number, name) VALUES (:number, :name)",
            {"number": migration.number, "name": migration.name},
        )


async def _applied(connection: Connection) -> set[int]:
    """Return the numbers of the migrations a database has; none when it is new."""
    if not await connection.rows("PRAGMA table_info(schema_migrations)"):
        return set()
    return {row[0] for row in await connection.rows("SELECT number FROM schema_migrations")}


def _missing(applied: set[int], known: Sequence[Migration]) -> list[Migration]:
    foreign = applied - {migration.number for migration in known}
    if foreign:
        raise SchemaTooNewError(
            f"the database has version {max(foreign)}, which this program does not know: "
            "run the newer program, or restore the backup made before the upgrade"
        )
    return [migration for migration in known if migration.number not in applied]
