"""Look at a backup, and at what it lacks, without changing it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from storage.backups import Backup, Since
from storage.errors import DatabaseUnavailableError, SchemaTooNewError
from storage.reasons import reason
from storage.sqlite.connection import BUSY_TIMEOUT_S
from storage.sqlite.errors import Mapped, is_outside
from storage.sqlite.schema import migrations

OURS = {"schema_migrations", "inbox", "outbox", "conversations", "messages", "notes"}
"""Tables that every version has had."""


LATEST = """
SELECT max(at) FROM (
    SELECT max(at) AS at FROM messages
    UNION ALL SELECT max(created_at) FROM inbox UNION ALL SELECT max(created_at) FROM outbox
)
"""


SINCE = """
SELECT
    (SELECT count(*) FROM main.messages AS present WHERE direction = 'incoming' AND part = 1
        AND NOT EXISTS (SELECT 1 FROM backup.messages AS copied WHERE {same})),
    (SELECT count(*) FROM main.messages AS present WHERE direction = 'outgoing' AND part = 1
        AND NOT EXISTS (SELECT 1 FROM backup.messages AS copied WHERE {same})),
    (SELECT count(*) FROM main.conversations AS present WHERE NOT EXISTS (
        SELECT 1 FROM backup.conversations AS copied
        WHERE copied.conversation_id = present.conversation_id)),
    (SELECT count(*) FROM main.outbox AS present WHERE state <> 'done' AND NOT EXISTS (
        SELECT 1 FROM backup.outbox AS copied WHERE copied.dedupe_key = present.dedupe_key)),
    (SELECT count(*) FROM main.inbox AS present WHERE state <> 'done' AND NOT EXISTS (
        SELECT 1 FROM backup.inbox AS copied WHERE copied.dedupe_key = present.dedupe_key))
""".format(
    same="copied.bot_id = present.bot_id AND copied.chat_id = present.chat_id AND "
    "copied.telegram_message_id = present.telegram_message_id AND "
    "copied.business_user_id = present.business_user_id AND copied.part = present.part"
)


def inspect(file: Path, database: Path) -> Backup:
    """Look at a backup, from its first page to its last, without changing it.

    Raises:
        DatabaseUnavailableError: it is missing, damaged, or something else.
        SchemaTooNewError: a newer program wrote it.
    """
    _refuse_what_is_no_file(file, database)
    verify_readable(file)
    with Mapped(file), reading(file) as raw:
        tables = {row[0] for row in raw.execute("SELECT name FROM sqlite_schema")}
        if not tables >= OURS:
            raise DatabaseUnavailableError(
                f"{file} is no database of kommo-telegram; name a file that `kommo-telegram "
                "backup` or backup_dir made"
            )
        applied = {row[0] for row in raw.execute("SELECT number FROM schema_migrations")}
        newer = applied - {migration.number for migration in migrations()}
        if newer:
            raise SchemaTooNewError(
                f"{file} was written by a newer version of the program (database version "
                f"{max(newer)}): install that version first, or name an older backup"
            )
        (latest,) = raw.execute(LATEST).fetchone()
        (conversations,) = raw.execute("SELECT count(*) FROM conversations").fetchone()
    at = None if latest is None else datetime.fromtimestamp(latest / 1000, UTC)
    return Backup(file, at, conversations)


def since(backup: Backup, database: Path) -> Since | None:
    """Count what would be lost; None when that cannot be told, as the database is damaged.

    Raises:
        DatabaseUnavailableError: that cannot be told, for a reason outside the database.
    """
    try:
        with reading(database) as raw:
            raw.execute("ATTACH :backup AS backup", {"backup": _uri(backup.file)})
            return Since(*raw.execute(SINCE).fetchone())
    except sqlite3.Error as error:
        if not is_outside(error):
            return None
        with Mapped(database):
            raise


def verify_readable(file: Path) -> None:
    """Read a backup to its end.

    Raises:
        DatabaseUnavailableError: it is damaged, or no database at all.
    """
    try:
        with reading(file) as raw:
            found = raw.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise DatabaseUnavailableError(
            f"{file} cannot be read as a database: {error}; name another backup"
        ) from error
    if found != "ok":
        raise DatabaseUnavailableError(f"{file} is damaged: {found}; name another backup")


def _refuse_what_is_no_file(file: Path, database: Path) -> None:
    try:
        if database.is_symlink():
            raise DatabaseUnavailableError(
                f"{database} is a link: name the file that it leads to, {database.resolve()}, as "
                "storage.path"
            )
        if file.is_dir():
            raise DatabaseUnavailableError(f"{file} is a folder: name a backup in it")
        if file.exists() and not file.is_file():
            raise DatabaseUnavailableError(f"{file} is no ordinary file: name a backup")
        with file.open("rb"):
            pass
        is_same = database.exists() and file.samefile(database)
    except OSError as error:
        raise DatabaseUnavailableError(
            f"cannot read {file}: {reason(error, 'name a backup that this user may read')}"
        ) from error
    if is_same:
        raise DatabaseUnavailableError(f"{file} is the database itself; name a backup of it")


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a file that nobody writes, for reading only."""
    with closing(sqlite3.connect(_uri(file), uri=True, timeout=BUSY_TIMEOUT_S)) as raw:
        yield raw


def _uri(file: Path) -> str:
    """Return how to read a file that nobody writes, and its log, where one is beside it.

    Reference: SQLite, URI Filenames: immutable=1 makes no files beside it.
    """
    has_log = any(beside(file, end).exists() for end in ("-wal", "-journal"))
    return f"{file.absolute().as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"


def beside(file: Path, end: str) -> Path:
    """Return the file with an ending more, in the same folder."""
    return file.with_name(file.name + end)
