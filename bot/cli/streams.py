"""The three streams of a command, as whoever starts it left them."""

import io
import os
import sys


def prepare() -> None:
    """Make the streams usable: none is missing, and none fails for a letter."""
    _open_missing()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show it gets an escape
            stream.reconfigure(errors="backslashreplace")


def _open_missing() -> None:
    """Open what was closed by `>&-`, or the next file opened would be taken for the output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - the stream itself
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - as above
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115 - as above
