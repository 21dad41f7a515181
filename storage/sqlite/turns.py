"""Turns between processes: who waits for the database says so, and the service lets it by.

SQLite keeps no queue for its lock. Who waits asks again now and then, while a process that commits
without a pause leaves gaps of microseconds, so that `queue drop` could fail beside a busy service.
Whoever waits therefore holds a lock of its own on the instance's lock file, which the kernel
releases with the process; the service looks at it after each commit, which takes a microsecond.
Reference: SQLite, sqlite3_busy_handler; fcntl(2), open file description locks.
"""

import fcntl
import os
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.sqlite.connection import Work, impatient
from storage.sqlite.errors import PRIMARY_CODE
from storage.sqlite.files import LOCK

ASKED_AGAIN_S = 0.002
"""Who waits asks so often: within the time for which the service lets it by."""

LOOKS, LOOKS_S = 15, 0.001
"""After a commit the service lets others by, and looks so often whether they still wait."""

LONGEST_WAIT_S = 10.0
"""Who has been waiting for longer than this is stuck, and is let by no more."""

WHERE = 1 << 40
"""The byte that is locked; there need not be one."""

FLOCK = "hhqqi4x"


class Turns:
    """What the processes of one database tell each other.

    Args:
        descriptor: of the instance's lock file; None where there is none, or no such locks.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._since: float | None = None

    @classmethod
    @contextmanager
    def open(cls, database: Path) -> Iterator["Turns"]:
        """Open the lock file, if an instance has made it."""
        descriptor = None
        if sys.platform == "linux":
            with suppress(OSError):
                flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
                descriptor = os.open(f"{database}{LOCK}", flags)
        try:
            yield cls(descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def must_give_way(self) -> bool:
        """Tell whether another process waits, and is not stuck."""
        if not self._is_awaited():
            self._since = None
            return False
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return now - self._since < LONGEST_WAIT_S

    def patient(self, work: Work, wait_s: float) -> Work:
        """Return work that waits for other processes up to a limit, and asks them to let it by."""
        at_once = impatient(work)

        def do(raw: sqlite3.Connection) -> None:
            ends_at = time.monotonic() + wait_s
            with self._waiting():
                while True:
                    try:
                        return at_once(raw)
                    except sqlite3.OperationalError as error:
                        is_busy = error.sqlite_errorcode & PRIMARY_CODE == sqlite3.SQLITE_BUSY
                        if not is_busy or time.monotonic() >= ends_at:
                            raise
                    time.sleep(ASKED_AGAIN_S)

        return do

    def _is_awaited(self) -> bool:
        found = self._lock("F_OFD_GETLK", fcntl.F_WRLCK)
        return found is not None and struct.unpack(FLOCK, found)[0] != fcntl.F_UNLCK

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._lock("F_OFD_SETLK", fcntl.F_RDLCK)
        try:
            yield
        finally:
            self._lock("F_OFD_SETLK", fcntl.F_UNLCK)

    def _lock(self, command: str, kind: int) -> bytes | None:
        """Ask about the lock, or change it; without such locks nobody is let by."""
        if self._descriptor is None:
            return None
        asked = struct.pack(FLOCK, kind, os.SEEK_SET, WHERE, 1, 0)
        try:
            return fcntl.fcntl(self._descriptor, getattr(fcntl, command), asked)
        except OSError:
            return None
