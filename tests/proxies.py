"""Debian's own proxies, for tests: tinyproxy for HTTP, microsocks for SOCKS5."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.ports import free_port
from tests.programs import program

OUTWARD = "127.0.0.5"
"""The address that a server sees a proxy's connections come from."""


@dataclass(frozen=True)
class RunningProxy:
    """A proxy and what it has done."""

    url: str
    port: int
    log: Path
    line: str

    def asked(self) -> list[str]:
        """Return the servers that it was asked for, one for each connection."""
        return re.findall(self.line, self.log.read_text(errors="replace"), re.MULTILINE)

    def connections(self) -> int:
        """Return how many connections went through it."""
        return len(self.asked())


@asynccontextmanager
async def http_proxy(
    folder: Path, *, user: str = "", password: str = "", port: int | None = None
) -> AsyncIterator[RunningProxy]:
    """Run tinyproxy."""
    tinyproxy, port = program("tinyproxy-bin", "tinyproxy"), port or free_port()
    log, config = folder / "tinyproxy.log", folder / "tinyproxy.conf"
    login = f"BasicAuth {user} {password}\n" if user else ""
    config.write_text(
        f"Port {port}\nListen 127.0.0.1\nBind {OUTWARD}\nTimeout 60\nMaxClients 200\n"
        f'LogFile "{log}"\nLogLevel Connect\n{login}'
    )
    login = f"{user}:{password}@" if user else ""
    url = f"http://{login}127.0.0.1:{port}"
    made = RunningProxy(url, port, log, r"Request .*: CONNECT (\S+)")
    async with _running([tinyproxy, "-d", "-c", str(config)], made):
        yield made


@asynccontextmanager
async def socks_proxy(
    folder: Path, *, user: str = "", password: str = "", port: int | None = None
) -> AsyncIterator[RunningProxy]:
    """Run microsocks."""
    microsocks, port = program("microsocks", "microsocks"), port or free_port()
    login = ["-u", user, "-P", password] if user else []
    given = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    made = RunningProxy(
        f"socks5://{given}127.0.0.1:{port}",
        port,
        folder / "microsocks.log",
        r"connected to (\S+)",
    )
    command = [microsocks, "-i", "127.0.0.1", "-b", OUTWARD, "-p", str(port), *login]
    async with _running(command, made):
        yield made


@asynccontextmanager
async def _running(command: list[str], proxy: RunningProxy) -> AsyncIterator[None]:
    with (proxy.log.with_suffix(".out")).open("wb") as out:
        is_socks = proxy.url.startswith("socks5")
        target = proxy.log.open("wb") if is_socks else out
        child = await asyncio.create_subprocess_exec(
            *command, stdout=target, stderr=target, env={"PATH": os.environ["PATH"]}
        )
        try:
            await _listening(proxy.port, lambda: child.returncode is None)
            yield
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
            target.close()


async def _listening(port: int, is_alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert is_alive(), "the proxy ended"
            assert time.monotonic() < deadline, "the proxy does not listen"
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
