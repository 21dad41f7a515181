"""New files: for their owner only, whole or not there, never over another one."""

import os
from pathlib import Path

from storage.errors import DatabaseUnavailableError
from storage.owners import OWNER_ONLY
from storage.reasons import reason

MAY_CREATE = "name a file that this user may create"


def create_part(target: Path, part: Path) -> None:
    """Create the file that is to become a new one; what a kill left of it goes.

    Raises:
        DatabaseUnavailableError: it cannot be, with the remedy.
    """
    refuse_existing(target)
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
        part.chmod(OWNER_ONLY)  # whatever the umask took away
    except FileNotFoundError as error:
        raise DatabaseUnavailableError(
            f"cannot create {target}: its folder does not exist; create it, or name another one"
        ) from error
    except OSError as error:
        raise DatabaseUnavailableError(
            f"cannot create {target}: {reason(error, MAY_CREATE)}"
        ) from error


def refuse_existing(target: Path) -> None:
    """Say what is wrong with the name of a new file, and what to do.

    Raises:
        DatabaseUnavailableError: there is something of that name.
    """
    try:
        found = target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise DatabaseUnavailableError(
            f"cannot look at {target}: {reason(error, MAY_CREATE)}"
        ) from error
    if target.is_dir():
        raise DatabaseUnavailableError(
            f"cannot create {target}: it is a folder; name a new file in it, such as "
            f"{target / 'copy.sqlite3'}"
        )
    size_kib = -(-found.st_size // 1024)
    raise DatabaseUnavailableError(
        f"cannot create {target}: it exists already ({size_kib} KiB), and stays as it is; name "
        "another file, or remove it first"
    )


def flush(path: Path) -> None:
    """Bring a new file to the disk, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
