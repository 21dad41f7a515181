"""The bridge as a process that can really be killed, and starts quickly.

Importing is most of a start. Each life is forked from a process that has imported everything
already, so that many kills cost little; what happens after the imports is what the command does.
The demo's tests and the service's start the program from nothing.
"""

import asyncio
import ctypes
import functools
import multiprocessing
import os
import signal
import struct
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path

from sandbox.story import is_ok

PRELOADED = [
    "bot.cli.outcome", "bot.cli.serve", "bot.cli.import_", "tests.e2e.lives", "tests.e2e.quick",
]  # fmt: skip
AHEAD = "TESTS_CLOCK_AHEAD_S"
USER = "TESTS_USER"
PATIENT = "TESTS_PATIENT"
KEEP_CAPABILITIES, CAPABILITIES_VERSION = 8, 0x20080522
READ_ALL = 1 << 2
"""CAP_DAC_READ_SEARCH."""


@functools.cache
def context() -> ForkServerContext:
    """Return what makes a process that has imported everything."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(PRELOADED)
    return made


def be(arguments: Sequence[str], output: str, errors: str, environ: dict[str, str]) -> None:
    """Be the process of a command, its output and its errors in files."""
    os.environ.update(environ)
    from bot.__main__ import run  # noqa: PLC0415 - the tests' own process may go without
    from tests.e2e.quick import QUICK_RULES, change_app  # noqa: PLC0415 - as above

    ahead = timedelta(seconds=float(environ.get(AHEAD, 0)))
    options = {} if environ.get(PATIENT) else {"rules": QUICK_RULES}
    change_app(now=lambda: datetime.now(UTC) + ahead, **options)

    for number, path in ((1, output), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    if environ.get(USER):
        _become(int(environ[USER]))
    sys.exit(run(list(arguments)))


def _become(user: int) -> None:
    """Be another user, as the service is, who may read all: Python may be in root's home.

    Reference: capabilities(7), capset(2), PR_SET_KEEPCAPS(2const).
    """
    library = ctypes.CDLL(None, use_errno=True)
    os.setgroups([])
    os.setgid(user)
    assert library.prctl(KEEP_CAPABILITIES, 1, 0, 0, 0) == 0
    os.setuid(user)
    header = struct.pack("=Ii", CAPABILITIES_VERSION, 0)
    sets = struct.pack("=6I", READ_ALL, READ_ALL, 0, 0, 0, 0)
    assert library.capset(header, sets) == 0


async def begin(
    arguments: Sequence[str],
    *,
    output: Path,
    errors: Path,
    ahead_s: float = 0.0,
    user: int | None = None,
    is_patient: bool = False,
) -> multiprocessing.process.BaseProcess:
    """Start a command as a process of its own, of another time or another user.

    Args:
        arguments: of the command line.
        output: the file for what it prints.
        errors: the file for its errors.
        ahead_s: how far its clock is ahead of the world's.
        user: whose process it is.
        is_patient: whether the service waits between attempts for as long as usually.
    """
    environ = {
        **os.environ,
        AHEAD: str(ahead_s),
        USER: "" if user is None else str(user),
        PATIENT: "yes" if is_patient else "",
    }
    process = context().Process(
        target=be, args=(tuple(arguments), str(output), str(errors), environ)
    )
    await asyncio.to_thread(process.start)
    return process


class Lives:
    """One bridge, killed and started again as often as needed."""

    def __init__(
        self,
        config: Path,
        admin_port: int,
        *,
        user: int | None = None,
        is_patient: bool = False,
    ) -> None:
        self.log = config.parent / "bridge.log"
        self._config = config
        self._admin_port = admin_port
        self._user = user
        self._is_patient = is_patient
        self._process: multiprocessing.process.BaseProcess | None = None
        self.ahead_s = 0.0
        """How far the clock of the next life is ahead of the world's."""

    async def start(self, *, is_healthy: bool = True) -> None:
        """Start a life; wait until it is healthy, if asked to."""
        arguments = ("--config", str(self._config), "run")
        self._process = await begin(
            arguments,
            output=self.log,
            errors=self.log,
            ahead_s=self.ahead_s,
            user=self._user,
            is_patient=self._is_patient,
        )
        if is_healthy:
            await self.until_healthy()

    async def until_healthy(self, within_s: float = 90) -> None:
        """Wait for the health page to say ok."""
        assert self._process is not None
        deadline = time.monotonic() + within_s
        while not await is_ok(f"http://127.0.0.1:{self._admin_port}/healthz"):
            assert self._process.is_alive(), self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            await asyncio.sleep(0.02)

    @property
    def pid(self) -> int:
        """Return the process's number."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    async def kill(self) -> None:
        """End a life as the power going out would."""
        await self._end(signal.SIGKILL, within_s=60)

    async def terminate(self) -> int:
        """End a life as systemd does; return its exit code. It has ten seconds."""
        return await self._end(signal.SIGTERM, within_s=10)

    async def _end(self, number: signal.Signals, within_s: float) -> int:
        assert self._process is not None
        os.kill(self.pid, number)
        await asyncio.to_thread(self._process.join, within_s)
        code = self._process.exitcode
        assert code is not None, f"not ended within {within_s} s:\n{self.log.read_text()}"
        self._process.close()
        self._process = None
        return code

    async def end(self) -> None:
        """End what still lives."""
        if self._process is not None and self._process.is_alive():
            await self.kill()
