"""Files inside a folder: nothing outside of it, however a file is named.

Every folder on the way is opened by itself and never through a symbolic link, so that nothing
that is moved meanwhile leads out. Reference: openat(2), O_NOFOLLOW.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def opened(folder: Path, path: str) -> Iterator[int]:
    """Open a plain file inside a folder; the descriptor is closed at the end.

    Raises:
        OSError: there is none, or its path leads elsewhere.
    """
    *folders, name = _steps(path)
    place = os.open(folder, FOLDER)
    try:
        for step in folders:
            inner = os.open(step, FOLDER, dir_fd=place)
            os.close(place)
            place = inner
        descriptor = os.open(name, FILE, dir_fd=place)
    finally:
        os.close(place)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError
        yield descriptor
    finally:
        os.close(descriptor)


def size_in(folder: Path, path: str) -> int | None:
    """Return how many bytes a file of a folder has; None when there is no such file in it."""
    with suppress(OSError, ValueError), opened(folder, path) as descriptor:
        return os.fstat(descriptor).st_size
    return None


def _steps(path: str) -> tuple[str, ...]:
    steps = PurePosixPath(path).parts
    if not steps or "\0" in path or any(step in {"/", "//", "..", "."} for step in steps):
        raise FileNotFoundError
    return steps
