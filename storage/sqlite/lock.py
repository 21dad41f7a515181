"""The lock that lets one instance run on a database, and no second one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.errors import DatabaseBusyError, DatabaseUnavailableError
from storage.owners import OWNER_ONLY, hand_over, owner_of
from storage.reasons import WRITABLE, reason
from storage.sqlite.files import LOCK

FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def instance_lock(path: Path) -> Iterator[None]:
    """Hold the lock beside a database; the kernel releases it even after kill -9.

    The file stays when the lock is released: removing it would let two instances lock two files.

    Raises:
        DatabaseBusyError: another process holds it.
    """
    lock_path = path.with_name(path.name + LOCK)
    try:
        descriptor = os.open(lock_path, FLAGS, OWNER_ONLY)
    except FileNotFoundError as error:
        raise DatabaseUnavailableError(
            f"cannot create {path}: its folder does not exist; create it"
        ) from error
    except OSError as error:
        raise DatabaseUnavailableError(
            f"cannot open {lock_path}: {reason(error, WRITABLE)}"
        ) from error
    try:
        _lock(descriptor, lock_path)
        hand_over(lock_path, owner_of(path))
        with suppress(OSError):  # a full disk, a file of somebody else's: the lock is held
            _sign(descriptor)
        yield
    finally:
        os.close(descriptor)


def _sign(descriptor: int) -> None:
    """Leave the process's number, for whoever finds the lock held."""
    os.fchmod(descriptor, OWNER_ONLY)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _lock(descriptor: int, lock_path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        raise DatabaseBusyError(
            f"another instance (process {holder}) runs on this database; stop it first "
            f"({lock_path})"
        ) from error
    except OSError as error:
        raise DatabaseUnavailableError(f"cannot lock {lock_path}: {error.strerror}") from error
