"""A sign of life beside the database, so that one that was restored from a copy is noticed.

The database holds the same sign. A copy that is put back is behind the file beside it; one that
is moved to another place has none there.
"""

import contextlib
import os
from pathlib import Path

OWNER_ONLY = 0o600


def stamp_path(database: Path) -> Path:
    """Return where the sign of life of a database is."""
    return database.with_name(database.name + ".alive")


def read_stamp(database: Path) -> str | None:
    """Return the sign of life; None when there is none."""
    try:
        return stamp_path(database).read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def write_stamp(database: Path, text: str) -> None:
    """Leave a sign of life; a failure is no harm, as it makes the next start careful."""
    with contextlib.suppress(OSError):
        descriptor = os.open(
            stamp_path(database), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, OWNER_ONLY
        )
        try:
            os.write(descriptor, text.encode("ascii"))
        finally:
            os.close(descriptor)
