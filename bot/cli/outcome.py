"""Exit codes: turn errors into them, and nothing else.

Exit codes: 0 done, 1 it failed, 2 wrong usage or settings, 130 Ctrl-C. What a user, a server or a
network can cause is a readable line on standard error, never a traceback.
"""

import errno
import logging
import os
import sys

from bot import interrupts
from bot.cli.application import app
from bot.cli.terminal import say
from bot.errors import BridgeError, ConfigError
from bot.logs import priority_prefix
from kommo.errors import KommoError
from storage.errors import StorageError

DONE, FAILED, WRONG_USAGE = 0, 1, 2
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a disk says of the output, which has no name here."""


def code_of(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    try:
        with interrupts.heard():
            _know_shells()
            app(arguments, prog_name="kommo-telegram")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else FAILED
    except ConfigError as error:
        _complain(str(error).split("\n"))
        return WRONG_USAGE
    except (BridgeError, KommoError, StorageError) as error:
        _complain([f"kommo-telegram: {error}"])
        return FAILED
    except OSError as error:
        _complain([f"kommo-telegram: {_about(error)}"])
        return FAILED
    except KeyboardInterrupt:
        return interrupts.EXIT_CODE
    return DONE


def _know_shells() -> None:
    """Let a shell ask what a word may become: the library knows none unless it is told to."""
    if "_KOMMO_TELEGRAM_COMPLETE" in os.environ:
        from typer.completion import get_completion_inspect_parameters  # noqa: PLC0415 - rare

        get_completion_inspect_parameters()


def _about(error: OSError) -> str:
    """Return in words what somebody can fix; anything else is a bug of ours."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}; see whose it is"
    if error.errno in NO_ROOM:
        return f"cannot write the output: {error.strerror}; free some space on its disk"
    raise error


def _complain(lines: list[str]) -> None:
    """Print what is wrong; the journal is told that each line is an error."""
    prefix = priority_prefix(logging.ERROR, sys.stderr, os.environ)
    say(*(f"{prefix}{line}" for line in lines), err=True)
