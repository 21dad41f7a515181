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
        ((version,),) = await connection.rows("SELECT max(number) FROM schema_migrations")
        known = migrations()
        if (version or 0) > known[-1].number:
            raise SchemaTooNewError(
                f"the database has version {version}, this program knows {known[-1].number}: "
                "run the newer program, or restore the backup made before the upgrade"
            )
        for migration in known:
            if migration.number > (version or 0):
                await connection.script(migration.sql)
                await connection.rows(
                    "INSERT INTO schema_migrations (number, name) VALUES (:number, :name)",
                    {"number": migration.number, "name": migration.name},
                )
    except BaseException:
        await connection.rollback()
        raise
    await connection.commit()
