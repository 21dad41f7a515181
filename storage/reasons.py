"""Why the system refused something about a file, and what to do about it."""

import errno

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_ALLOWED = {errno.EACCES, errno.EPERM}

FREE_SPACE = "free some space on its disk"
WRITABLE = "make the folder and the files in it writable for this user"
WITH_SUDO = "begin the command with sudo"


def reason(error: OSError, otherwise: str = "") -> str:
    """Return the system's word with the remedy.

    Args:
        error: what the system said.
        otherwise: the remedy where it is not one of a full disk or of missing rights.
    """
    if error.errno in NO_ROOM:
        otherwise = FREE_SPACE
    elif error.errno in NOT_ALLOWED:
        otherwise = f"{otherwise}, or {WITH_SUDO}" if otherwise else WITH_SUDO
    said = error.strerror or str(error)
    return f"{said}; {otherwise}" if otherwise else said
