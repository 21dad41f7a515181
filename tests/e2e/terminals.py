"""A command on a terminal of its own, as a person has it before them."""

import asyncio
import os
import pty
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

from tests.e2e.lives import context

CTRL_C = "\x03"


def _be(arguments: Sequence[str], terminal: str, environ: dict[str, str]) -> None:
    """Be the process of a command, in front of a terminal."""
    os.environ.update(environ)
    from bot.__main__ import run  # noqa: PLC0415 - the tests' own process may go without

    os.setsid()
    number = os.open(terminal, os.O_RDWR)  # the first one opened is the session's own
    for stream in range(3):
        os.dup2(number, stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as it lives
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(list(arguments)))


class Terminal:
    """What is shown on it, and what is typed."""

    def __init__(self, number: int, process: BaseProcess) -> None:
        self.shown = ""
        self._seen = 0
        self._number = number
        self._process = process

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._number, text.encode())

    async def until(self, text: str, within_s: float = 30) -> None:
        """Wait for a text, after all that was waited for before."""
        deadline = time.monotonic() + within_s
        while text not in self.shown[self._seen :]:
            assert time.monotonic() < deadline, self.shown
            assert self._read() or self._process.is_alive(), self.shown
            await asyncio.sleep(0.01)
        self._seen = self.shown.index(text, self._seen) + len(text)

    async def ended(self, within_s: float = 30) -> int | None:
        """Wait for the end; return the exit code."""
        deadline = time.monotonic() + within_s
        while self._process.is_alive() and time.monotonic() < deadline:
            self._read()
            await asyncio.sleep(0.01)
        self._read()
        return self._process.exitcode

    def _read(self) -> bool:
        try:
            more = os.read(self._number, 65536).decode("utf-8", "replace")
        except (BlockingIOError, OSError):  # nothing yet, or the other side has gone
            return False
        self.shown += more.replace("\r\n", "\n")
        return True


@contextmanager
def on_terminal(*arguments: str) -> Iterator[Terminal]:
    """Run a command on a terminal."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    process = context().Process(target=_be, args=(arguments, os.ttyname(theirs), dict(os.environ)))
    process.start()
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.join()
        os.close(ours)
        os.close(theirs)
