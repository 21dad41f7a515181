"""Migrations: `migrations/NNNN_name.sql`, in order, each once; a newer database is refused."""

from dataclasses import dataclass
from importlib import resources

from storage.engine import Connection
from storage.errors import SchemaTooNewError


@dataclass(frozen=True)
class Migration:
    """One step from a version of the schema to the next."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """Return all known migrations, in order."""
    files = sorted(
        (entry for entry in resources.files("storage").joinpath("migrations").iterdir()),
        key=lambda entry: entry.name,
    )
    return [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".sql")
    ]


async def migrate(connection: Connection) -> None:
    """Bring the database to the newest known version.

    Raises:
        SchemaTooNewError: it is newer than that.
    """
    await connection.begin()
    try:
        await connection.rows(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, name TEXT)"
        )
        applied = {row[0] for row in await connection.rows("SELECT number FROM schema_migrations")}
        known = migrations()
        _refuse_newer(max(applied, default=0), known[-1].number)
        for migration in known:
            if migration.number not in applied:
                await connection.script(migration.sql)
                await connection.rows(
                    "INSERT INTO schema_migrations (number, name) VALUES (:number, :name)",
                    {"number": migration.number, "name": migration.name},
                )
    except BaseException:
        await connection.rollback()
        raise
    await connection.commit()


def _refuse_newer(version: int, known: int) -> None:
    if version > known:
        raise SchemaTooNewError(
            f"the database has version {version}, this program knows {known}: "
            "run the newer program, or restore the backup made before the upgrade"
        )
