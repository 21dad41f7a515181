"""The place of the data: the database, and the bridge's own files beside it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from storage.errors import DatabaseUnavailableError
from storage.new_files import flush
from storage.owners import OWNER_ONLY

JOURNAL, HEARTBEAT = "-sends", ".alive"
STATE = (JOURNAL, HEARTBEAT)
"""Of the files that one process keeps for itself, whatever engine keeps the data."""

OWNERS_FOLDER = 0o700


@dataclass(frozen=True)
class Location:
    """Where the data is.

    Args:
        path: the database's file.
        state_dir: the folder of the files beside it: journal, heartbeat, files in transit.
    """

    path: Path
    state_dir: Path

    @classmethod
    def of(cls, where: "Location | Path") -> "Location":
        """Return the location of a database; what is beside it is in its own folder."""
        return where if isinstance(where, Location) else cls(where, where.parent)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return the folders that grow."""
        return tuple(dict.fromkeys((self.path.parent, self.state_dir)))

    def free_bytes(self) -> int:
        """Return how much room there is where there is least.

        Raises:
            OSError: there is no such folder.
        """
        return min(shutil.disk_usage(folder).free for folder in self.folders)

    def beside(self, ending: str) -> Path:
        """Return a file beside the database, which is named after it."""
        return self.state_dir / f"{self.path.name}{ending}"

    def prepare(self) -> None:
        """Make the state folder, and bring along what lies in the database's own one.

        So the setting can be changed while the service is stopped, and no journal is left behind.

        Raises:
            DatabaseUnavailableError: it cannot be done.
        """
        if self.state_dir == self.path.parent:
            return
        try:
            self.state_dir.mkdir(mode=OWNERS_FOLDER, exist_ok=True)
            for ending in STATE:
                _move(self.path.with_name(self.path.name + ending), self.beside(ending))
        except OSError as error:
            raise DatabaseUnavailableError(
                f"cannot use {self.state_dir} for the files beside the database: "
                f"{error.strerror}; make this folder, writable for the service's user, or "
                "correct storage.state_dir"
            ) from error


def _move(file: Path, target: Path) -> None:
    """Move a file to another folder, which may be on another disk; a kill loses nothing of it."""
    if not file.exists():
        return
    if target.exists() and target.stat().st_mtime_ns >= file.stat().st_mtime_ns:
        file.unlink()  # a kill came before its removal
        return
    new = target.with_name(f"{target.name}.moving")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))
    new.write_bytes(file.read_bytes())
    flush(new)
    new.rename(target)
    flush(target.parent)
    file.unlink()
