"""The settings file that `init` writes."""

import contextlib
import errno
import os
from pathlib import Path

from bot.errors import BridgeError
from storage.new_files import flush

BY_ROOT = "begin the command with sudo, or name another file with --config"
NO_ROOM = "free some space on its disk"


class InitError(BridgeError):
    """The settings file cannot be read or written."""


def must_be_writable(file: Path) -> None:
    """Refuse at once what would fail after all questions.

    Raises:
        InitError: the file cannot be written.
    """
    folder = (file.resolve() if file.exists() else file).parent
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises without access
        raise InitError(f"cannot write {file}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InitError(f"cannot write {file}: {folder} is not this user's; {BY_ROOT}")


def write(file: Path, text: str) -> None:
    """Write the file as a whole, for its owner only; where it cannot be, all stays as it was."""
    place = file.resolve() if file.exists() else file
    draft = place.with_name(f".{place.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text.encode())
        flush(draft)
        if place.exists():
            _give_to_owner_of(place, draft)
        draft.replace(place)
        flush(place.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            remedy = NO_ROOM if error.errno in {errno.ENOSPC, errno.EDQUOT} else BY_ROOT
            reason = f"cannot write {file}: {error.strerror}; {remedy}"
            raise InitError(reason) from error
        raise


def _give_to_owner_of(place: Path, draft: Path) -> None:
    """Let the new file belong to whom the old one did, where this user may do that."""
    owner = place.stat()
    with contextlib.suppress(PermissionError):
        os.chown(draft, owner.st_uid, owner.st_gid)
