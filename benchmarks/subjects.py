"""The processes that are measured: started, asked for their cost, stopped."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.http import Poster
from benchmarks.world import ACCOUNT_ID, CHANNEL_ID, SCOPE_ID, SECRET, TOKEN, World

ROOT = Path(__file__).resolve().parent.parent
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
TICKS_S = os.sysconf("SC_CLK_TCK")
START_S = 180.0
SETTINGS = """
public_url = "http://127.0.0.1:{listen}"
[kommo]
channel_id = "{channel_id}"
channel_secret = "{secret}"
account_id = "{account_id}"
chats_url = "{kommo}"
[telegram]
api_url = "{telegram}"
infer_read = false
client_messages_per_min = {per_min}
messages_per_s = 0
chat_messages_per_s = 0
[[telegram.bots]]
token = "{token}"
[listen]
port = {listen}
[admin]
port = {admin}
"""


@dataclass(frozen=True)
class Subject:
    """One process and the world around it."""

    name: str
    process: asyncio.subprocess.Process
    world: World
    started_s: float

    def cpu_s(self) -> float:
        """Return the processor time that it and its ended children used."""
        fields = _stat(self.process.pid)
        return sum(int(field) for field in fields[11:15]) / TICKS_S

    def memory_mb(self, field: str = "VmRSS") -> float:
        """Return the memory that it has now (VmRSS), or had at most (VmHWM)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        return 0.0

    def forget_peak(self) -> None:
        """Let VmHWM start again from what it is now. Reference: proc(5), clear_refs."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    async def settle(self) -> None:
        """Wait until it has nothing to do any more."""
        while True:
            before = self.cpu_s()
            await asyncio.sleep(0.3)
            if self.cpu_s() - before <= 0.01:
                return


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def bare(folder: Path) -> AsyncIterator[Subject]:
    """Run the reference that keeps nothing."""
    port = free_port()
    async with World.open(port) as world:
        arguments = [str(port), world.telegram_url, world.kommo_url, TOKEN, SCOPE_ID, SECRET]
        command = ["-m", "benchmarks.bare", *arguments]
        async with _running("bare", command, folder, world, health_port=port) as subject:
            yield subject


@asynccontextmanager
async def forgetful(folder: Path) -> AsyncIterator[Subject]:
    """Run the bridge's webhook handler without its database."""
    port = free_port()
    async with World.open(port) as world:
        command = ["-m", "benchmarks.forgetful", str(port), SCOPE_ID, SECRET, str(folder)]
        async with _running(
            "forgetful", command, folder, world, health_port=port, path="/media/x"
        ) as subject:
            yield subject


@asynccontextmanager
async def bridge(
    folder: Path, world: World | None = None, *, per_min: int = 0
) -> AsyncIterator[Subject]:
    """Run the bridge on the database in a folder; in a world that is there, or one of its own.

    Args:
        folder: of the database.
        world: the servers beside it.
        per_min: how much one client may write; 0 for any number.
    """
    if world is None:
        async with (
            World.open(free_port()) as made,
            bridge(folder, made, per_min=per_min) as subject,
        ):
            yield subject
        return
    admin = free_port()
    config = folder / "config.toml"
    config.write_text(
        SETTINGS.format(
            listen=world.hook_port,
            per_min=per_min,
            admin=admin,
            channel_id=CHANNEL_ID,
            account_id=ACCOUNT_ID,
            secret=SECRET,
            token=TOKEN,
            kommo=world.kommo_url,
            telegram=world.telegram_url,
        )
    )
    config.chmod(0o600)
    command = ["-m", "bot", "--config", str(config), "run"]
    async with _running("bridge", command, folder, world, health_port=admin) as subject:
        yield subject


@asynccontextmanager
async def _running(
    name: str,
    command: Sequence[str],
    folder: Path,
    world: World,
    *,
    health_port: int,
    path: str = "/healthz",
) -> AsyncIterator[Subject]:
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stdout=output, stderr=output
        )
        try:
            await _healthy(process, health_port, path, log)
            yield Subject(name, process, world, time.perf_counter() - began)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(20):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _healthy(process: asyncio.subprocess.Process, port: int, path: str, log: Path) -> None:
    deadline = time.perf_counter() + START_S
    while not await _is_ok(port, path):
        if process.returncode is not None or time.perf_counter() > deadline:
            raise RuntimeError(f"it did not start:\n{log.read_text()[-2000:]}")
        await asyncio.sleep(0.005)


async def _is_ok(port: int, path: str) -> bool:
    try:
        poster = await Poster.connect(port)
    except OSError:
        return False
    try:
        return await poster.post(HEALTH.replace(b"/healthz", path.encode())) == 200
    except OSError:
        return False
    finally:
        poster.close()
