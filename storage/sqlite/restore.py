"""A backup in the database's place, while nobody uses it; what was there is kept aside.

Each step leaves a database that can be started: the old one until a single rename, the new one
from then on. So a kill, a full disk or a file that is no good leaves everything as it was.
Reference: rename(2); SQLite, How To Corrupt An SQLite Database File, section 1.4: a log that is
left beside another database is played into it. So the old one's is brought into it before.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from storage.errors import DatabaseBusyError, DatabaseUnavailableError, SchemaTooNewError
from storage.sqlite.connection import BUSY_TIMEOUT_S
from storage.sqlite.copies import create_part, verify
from storage.sqlite.errors import PRIMARY_CODE, Mapped
from storage.sqlite.files import flush
from storage.sqlite.owners import ENDINGS, ROOT, Owner, owner_of
from storage.sqlite.schema import migrations

OURS = {"schema_migrations", "inbox", "outbox", "conversations", "messages", "notes"}
"""Tables that every version has had."""

LOG = ("-wal", "-shm")
MAY_PASS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}
"""What says nothing of the database itself: then nothing is done."""

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
Condition = Literal["none", "sound", "damaged"]


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


def inspect(file: Path, database: Path) -> Backup:
    """Look at a backup, from its first page to its last, without changing it.

    Raises:
        DatabaseUnavailableError: it is missing, damaged, or something else.
        SchemaTooNewError: a newer program wrote it.
    """
    _refuse_what_is_no_file(file, database)
    verify_readable(file)
    with Mapped(file), _reading(file) as raw:
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
    """Count what would be lost; None when that cannot be told, as the database is damaged."""
    try:
        with _reading(database) as raw:
            raw.execute("ATTACH :backup AS backup", {"backup": _uri(backup.file)})
            return Since(*raw.execute(SINCE).fetchone())
    except sqlite3.Error:
        return None


class Restoring:
    """One restore: first what may fail, then what must not; the instance lock is held.

    Args:
        backup: what was inspected.
        database: in whose place it is put.
        aside: the name under which what is there is kept.
    """

    def __init__(self, backup: Backup, database: Path, now: datetime) -> None:
        self._backup = backup
        self._database = database
        self._new = _beside(database, ".restoring")
        self._written: os.stat_result | None = None
        self._kept: list[tuple[Path, Path]] = []
        self.aside = _free_name(database, now)

    def run(self) -> bool:
        """Put the backup in the database's place; tell whether anything was kept aside.

        Raises:
            DatabaseUnavailableError: it could not be done; everything is as it was.
            DatabaseBusyError: a command uses the database.
        """
        try:
            self._copy(owner_of(self._database))
            condition = settle(self._database)
            self._keep_aside()
            self._replace(condition)
        except OSError as error:
            self._undo()
            raise DatabaseUnavailableError(
                f"cannot restore {self._database}: {error.strerror}; it is as it was"
            ) from error
        except BaseException:
            self._undo()
            raise
        with suppress(OSError):  # they do not fit, and the next start sees that too
            self._remove(("-sends", ".alive"))
            flush(self._database.parent)
        return bool(self._kept)

    def _copy(self, owner: Owner) -> None:
        """Write the new database beside the old one, and read it once more."""
        self._clean_up()
        create_part(self._new, self._new)
        with (
            Mapped(self._new),
            _reading(self._backup.file) as raw,
            closing(sqlite3.connect(self._new)) as copy,
        ):
            raw.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        verify(self._new)
        if os.geteuid() == ROOT:
            os.chown(self._new, owner.user, owner.group)
        flush(self._new)
        self._written = self._new.stat()

    def _keep_aside(self) -> None:
        """Give the old files second names; they keep their own until the rename."""
        for end in ("", *ENDINGS):
            if (file := _beside(self._database, end)).exists():
                name = _beside(self.aside, end)
                self._kept.append((file, name))
                _link(file, name)
        flush(self._database.parent)

    def _replace(self, condition: Condition) -> None:
        if condition == "damaged":  # its log fits no other one; it is kept aside
            self._remove(LOG)
        self._new.rename(self._database)

    def _remove(self, endings: tuple[str, ...]) -> None:
        for end in endings:
            _beside(self._database, end).unlink(missing_ok=True)

    def _undo(self) -> None:
        """Take away what was made; after the rename only the old database's second names are left.

        Ctrl-C is noticed when a call has returned: the rename is done then, and stays.
        """
        if self._is_in_place():
            return
        self._clean_up()
        for file, name in self._kept:
            if file.exists():
                name.unlink(missing_ok=True)
            elif name.exists():  # the log of a damaged database
                name.rename(file)

    def _is_in_place(self) -> bool:
        if self._written is None or not self._database.exists():
            return False
        return os.path.samestat(self._written, self._database.stat())

    def _clean_up(self) -> None:
        for end in ("", "-journal", *LOG):
            _beside(self._new, end).unlink(missing_ok=True)


def settle(database: Path) -> Condition:
    """Bring the log of a database into it, while nobody else has it open, and take it away.

    Raises:
        DatabaseBusyError: somebody has it open.
        DatabaseUnavailableError: that failed, for a reason outside the database.
    """
    if not database.exists():
        return "damaged" if any(_beside(database, end).exists() for end in LOG) else "none"
    try:
        with closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT_S)) as raw:
            (mode,) = raw.execute("PRAGMA journal_mode = DELETE").fetchone()
            raw.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise _in_use(database) from error
        if code in MAY_PASS:
            raise DatabaseUnavailableError(
                f"cannot restore {database}: {error}; make room on its disk, and the file and "
                "its folder writable for this user; it is as it was"
            ) from error
        return "damaged"
    if mode != "delete":
        raise _in_use(database)
    return "sound"


def _in_use(database: Path) -> DatabaseBusyError:
    return DatabaseBusyError(
        f"another command uses {database}; wait until it ends, then give this one again"
    )


def verify_readable(file: Path) -> None:
    """Read a backup to its end.

    Raises:
        DatabaseUnavailableError: it is damaged, or no database at all.
    """
    try:
        with _reading(file) as raw:
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
            f"cannot read {file}: {error.strerror}; name a backup that this user may read"
        ) from error
    if is_same:
        raise DatabaseUnavailableError(f"{file} is the database itself; name a backup of it")


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(_uri(file), uri=True, timeout=BUSY_TIMEOUT_S)) as raw:
        yield raw


def _uri(file: Path) -> str:
    """Return how to read a file that nobody writes, and its log, where one is beside it.

    Reference: SQLite, URI Filenames: immutable=1 makes no files beside it.
    """
    has_log = any(_beside(file, end).exists() for end in ("-wal", "-journal"))
    return f"{file.absolute().as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"


def _beside(file: Path, end: str) -> Path:
    return file.with_name(file.name + end)


def _free_name(database: Path, now: datetime) -> Path:
    """Return a name with the time in it that nothing has yet."""
    name = _beside(database, f".before-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    number = 1
    free = name
    while any(_beside(free, end).exists() for end in ("", *ENDINGS)):
        number += 1
        free = _beside(name, f"-{number}")
    return free


def _link(file: Path, name: Path) -> None:
    """Give a file a second name, or make a copy where the file system has one name for each."""
    try:
        name.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError:
        _copy_file(file, name)


def _copy_file(file: Path, name: Path) -> None:
    found = file.stat()
    name.write_bytes(b"")
    name.chmod(found.st_mode & 0o777)
    with file.open("rb") as source, name.open("wb") as target:
        while piece := source.read(1 << 20):
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
