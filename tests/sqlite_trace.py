"""Every statement that this process runs on SQLite, in order, whoever opened the connection."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

_lock = threading.Lock()


@dataclass
class Trace:
    """What was run: the number of the connection, and the statement."""

    connections: list[sqlite3.Connection] = field(default_factory=list)
    statements: list[tuple[int, str]] = field(default_factory=list)

    def of(self, connection: int) -> list[str]:
        """Return the statements of one connection."""
        return [sql for number, sql in self.statements if number == connection]

    def add(self, connection: sqlite3.Connection) -> None:
        """Trace a new connection."""
        number = len(self.connections)
        self.connections.append(connection)

        def note(sql: str) -> None:
            with _lock:
                self.statements.append((number, " ".join(sql.split()).upper()))

        connection.set_trace_callback(note)


@contextmanager
def traced() -> Iterator[Trace]:
    """Trace all connections that are opened while the block lasts."""
    trace, connect = Trace(), sqlite3.connect

    def traced_connect(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        trace.add(connection)
        return connection

    with mock.patch.object(sqlite3, "connect", traced_connect):
        yield trace


def unsafe(trace: Trace) -> list[str]:
    """Return what may run into SQLite's WAL-reset bug: a checkpoint beside somebody's commit.

    Safe is a checkpoint while another connection of this process holds the lock of all writers,
    and a connection that never checkpoints by itself.
    """
    holders: set[int] = set()
    told: set[int] = set()
    found = []
    for number, sql in trace.statements:
        match sql.split():
            case ["PRAGMA", "WAL_AUTOCHECKPOINT", "=", "0", *_]:
                told.add(number)
            case ["BEGIN", "IMMEDIATE", *_]:
                holders.add(number)
            case ["COMMIT" | "ROLLBACK" | "END"]:
                holders.discard(number)
            case ["PRAGMA", what, *_] if "WAL_CHECKPOINT" in what:
                if not holders - {number}:
                    found.append(f"checkpoint beside commits: {sql}")
            case ["INSERT" | "UPDATE" | "DELETE" | "CREATE" | "ALTER", *_] if number not in told:
                found.append(f"a connection that checkpoints by itself: {sql}")
    return found
