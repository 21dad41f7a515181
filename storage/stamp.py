"""A sign of life beside the database, so that one that was restored from a copy is noticed.

The database holds the same sign. A copy that is put back is behind the file beside it; one that
is moved to another place has none there. The file is whole at every moment: after a kill or a
power cut it says what it said before, or what it was to say.
Reference: rename(2), fsync(2): a file and its name are on disk once both were flushed.
"""

import os
from pathlib import Path

OWNER_ONLY = 0o600


def read_stamp(path: Path) -> str | None:
    """Return what the file says, which may be nothing; None when there is no file to be read."""
    try:
        return path.read_bytes().decode("ascii", "replace").strip()
    except OSError:
        return None


def write_stamp(path: Path, text: str) -> bool:
    """Leave a sign of life; tell whether it is on disk."""
    beside = path.with_name(path.name + ".new")
    try:
        _write(beside, text.encode("ascii"))
        os.replace(beside, path)  # noqa: PTH105 - one of the calls that a test interrupts
        _flush_folder(path.parent)
    except OSError:
        return False
    return True


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    descriptor = os.open(path, flags, OWNER_ONLY)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
