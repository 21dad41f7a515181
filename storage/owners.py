"""File ownership: what root creates beside a database belongs to the service's user.

A command that root gives by hand must leave nothing that the service may not open afterwards.
SQLite does the same for its -wal and -shm. Reference: SQLite, os_unix.c, robustFchown.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

ROOT = 0
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Owner:
    """A user and a group, by number."""

    user: int
    group: int

    @property
    def name(self) -> str:
        """Return how people call the user; its number with a # where it has no name, as sudo."""
        try:
            return pwd.getpwuid(self.user).pw_name
        except KeyError:
            return f"#{self.user}"


def owner_of(database: Path) -> Owner:
    """Return whose a database is, or would be: its own owner's, unless that is root by mishap.

    Raises:
        OSError: there is no such folder, or it cannot be looked at.
    """
    for place in (database, database.parent):
        try:
            found = place.stat()
        except FileNotFoundError:
            continue
        if found.st_uid != ROOT:
            return Owner(found.st_uid, found.st_gid)
    folder = database.parent.stat()
    return Owner(folder.st_uid, folder.st_gid)


def hand_over(file: Path, owner: Owner) -> None:
    """Give what root has made to its owner; what others made, or linked there, stays theirs.

    Raises:
        OSError: it cannot be given.
    """
    if os.geteuid() != ROOT:
        return
    try:
        found = file.lstat()
    except FileNotFoundError:
        return
    is_made_by_root = stat.S_ISREG(found.st_mode) and found.st_uid == ROOT and found.st_nlink == 1
    if is_made_by_root and owner.user != ROOT:
        os.chown(file, owner.user, owner.group, follow_symlinks=False)
