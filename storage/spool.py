"""A spool on disk for what is too much for memory: messages of many chats, put in order.

SQLite keeps it in a file without a name that is gone with the process, however that ends.
Reference: SQLite, Temporary Files Used By SQLite, section 2.6.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from storage.errors import DatabaseUnavailableError

CACHE_KB = 2000
"""Memory that the spool may take; the rest is on disk."""

PRAGMAS = (
    "wal_autocheckpoint = 0",  # as every connection of this program
    f"cache_size = -{CACHE_KB}",
    "temp_store = FILE",
    "journal_mode = OFF",
)

COLUMNS = "number, chat, name, at, author, body"


@dataclass(frozen=True)
class Spooled:
    """One message.

    Args:
        chat: which chat it is of.
        name: names it within the chat.
        at: seconds since 1970.
        author: who wrote it.
        body: what it says.
        number: of those of one second, the lower one comes first.
    """

    chat: int
    name: str
    at: int
    author: int
    body: str
    number: int = 0

    @property
    def place(self) -> tuple[int, int]:
        """Return where it stands in its chat."""
        return self.at, self.number


class Spool:
    """Messages that are added as they come and given back chat by chat, oldest first."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["Spool"]:
        """Open an empty spool; one thread at a time may use it.

        Raises:
            DatabaseUnavailableError: there is no room for it.
        """
        with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as raw:
            try:
                for pragma in PRAGMAS:
                    raw.execute(f"PRAGMA {pragma}")
                raw.execute(
                    "CREATE TABLE messages (number INTEGER PRIMARY KEY, chat INTEGER, name TEXT, "
                    "at INTEGER, author INTEGER, body TEXT)"
                )
                raw.execute("CREATE UNIQUE INDEX names ON messages (chat, name)")
                raw.execute("BEGIN")
                yield cls(raw)
            except sqlite3.OperationalError as error:
                raise DatabaseUnavailableError(
                    f"the folder for temporary files: {error}; free some space there, or let "
                    "TMPDIR name another folder"
                ) from error

    def add(self, message: Spooled) -> bool:
        """Add a message; False when there is one of that name in the chat already."""
        added = self._raw.execute(
            "INSERT INTO messages (chat, name, at, author, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            (message.chat, message.name, message.at, message.author, message.body),
        )
        return added.rowcount > 0

    def remove(self, chat: int) -> None:
        """Take a chat's messages out again."""
        self._raw.execute("DELETE FROM messages WHERE chat = ?", (chat,))

    def put_in_order(self) -> None:
        """Prepare to give back, when all is there."""
        self._raw.execute("CREATE INDEX moments ON messages (chat, at, number)")

    def page(self, chat: int, *, limit: int, after: tuple[int, int] = (-1, -1)) -> list[Spooled]:
        """Return messages of a chat behind a place, oldest first."""
        at, number = after
        return self._all(
            "chat = ? AND (at, number) > (?, ?) ORDER BY at, number LIMIT ?",
            (chat, at, number, limit),
        )

    def newest(self, chat: int, *, author: int | None = None) -> Spooled | None:
        """Return the last message of a chat, or of one author in it."""
        of_author = "" if author is None else "AND author = ? "
        found = self._all(
            f"chat = ? {of_author}ORDER BY at DESC, number DESC LIMIT 1",
            (chat, *([] if author is None else [author])),
        )
        return found[0] if found else None

    def first_not_of(self, chat: int, author: int) -> tuple[Spooled, int] | None:
        """Return the first message of a chat by anybody else, and how many stand before it."""
        found = self._all("chat = ? AND author <> ? ORDER BY at, number LIMIT 1", (chat, author))
        if not found:
            return None
        before = self._raw.execute(
            "SELECT count(*) FROM messages WHERE chat = ? AND (at, number) < (?, ?)",
            (chat, *found[0].place),
        )
        return found[0], int(before.fetchone()[0])

    def _all(self, condition: str, parameters: tuple[int, ...]) -> list[Spooled]:
        rows = self._raw.execute(f"SELECT {COLUMNS} FROM messages WHERE {condition}", parameters)
        return [Spooled(chat, name, at, who, body, no) for no, chat, name, at, who, body in rows]
