"""The bridge of the demo: a process of its own, which can be killed and started again."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import httpx

from bot.account.existing import open_existing
from bot.errors import BridgeError
from bot.http.clients import local_client
from bot.operate.trace import NoSuchMessageError, trail_of
from bot.settings import load
from bot.translate.ids import ChatAddress
from storage.errors import StorageError

START_S, STOP_S, ANSWER_S, PAUSE_S = 60.0, 10.0, 2.0, 0.1
PR_SET_PDEATHSIG = 1
"""Reference: Linux, prctl(2)."""

LIBC = ctypes.CDLL(None)
PARTS = 4
"""A message of Telegram is named BOT/OWNER/CHAT/MESSAGE."""


class BridgeProcess:
    """`kommo-telegram run`, as the demo's child.

    Args:
        config: its settings; the log lies beside them.
        admin_url: where it tells its health.
    """

    def __init__(self, config: Path, admin_url: str) -> None:
        self.admin_url = admin_url
        self._config = config
        self._log = config.parent / "bridge.log"
        self._process: asyncio.subprocess.Process | None = None
        self._is_ready = False
        self._turn = asyncio.Lock()

    @property
    def state(self) -> Literal["running", "starting", "stopped"]:
        """Return whether the process runs."""
        if self._process is None or self._process.returncode is not None:
            return "stopped"
        return "running" if self._is_ready else "starting"

    async def start(self) -> str | None:
        """Start it, unless it runs; return when it works, or why it does not."""
        async with self._turn:
            if self.state == "stopped":
                self._is_ready = False
                self._process = await self._started()
            return await self._until_healthy(self._process)

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """End it as systemd does."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            await self.kill()

    async def steps(self, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return what the bridge noted of messages; nothing of those that it does not know."""
        noted: dict[str, list[dict[str, Any]]] = {}
        with suppress(BridgeError, StorageError):
            async with (
                open_existing(load(self._config, {})) as database,
                database.snapshot() as snapshot,
            ):
                for name in names:
                    with suppress(NoSuchMessageError):
                        trail = await trail_of(snapshot, _own_id(name))
                        noted[name] = [
                            {
                                "step": step.step,
                                "at": int(step.at.timestamp() * 1000),
                                "reason": step.details.get("reason"),
                            }
                            for step in trail.steps
                        ]
        return noted

    async def invite(self, contact_id: int) -> str:
        """Return a link that ties whoever opens it to a contact, made by the command."""
        process = await asyncio.create_subprocess_exec(
            *self._command("invite", "--contact", str(contact_id)),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=_environ(),
        )  # fmt: skip
        output, _ = await process.communicate()
        return output.decode().strip()

    async def _started(self) -> asyncio.subprocess.Process:
        with self._log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *self._command("run"),
                stdout=output, stderr=output, env=_environ(), start_new_session=True,
                preexec_fn=_end_with_the_demo if sys.platform == "linux" else None,
            )  # fmt: skip

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "bot", "--config", str(self._config), *words]

    async def _until_healthy(self, process: asyncio.subprocess.Process | None) -> str | None:
        """Wait until the bridge answers; return what it said when it does not."""
        deadline = asyncio.get_running_loop().time() + START_S
        async with local_client(ANSWER_S) as http:
            while process is not None and process.returncode is None:
                with suppress(httpx.HTTPError):
                    await http.get(f"{self.admin_url}/healthz")
                    self._is_ready = True
                    return None
                if asyncio.get_running_loop().time() > deadline:
                    break
                await asyncio.sleep(PAUSE_S)
        output = await asyncio.to_thread(self._log.read_text, encoding="utf-8", errors="replace")
        return f"the bridge did not start; it said:\n{output}"


def _end_with_the_demo() -> None:
    """Have the kernel end this process when the demo is gone, even by a kill."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _own_id(name: str) -> str:
    """Return the bridge's id of a message that the sandbox names."""
    parts = name.split("/")
    if len(parts) != PARTS:
        return name
    bot_id, owner_id, chat_id, message_id = map(int, parts)
    return ChatAddress(bot_id, chat_id, owner_id).message_id(message_id)


def _environ() -> dict[str, str]:
    """Return the environment without settings of a real bridge."""
    return {k: v for k, v in os.environ.items() if not k.startswith("KOMMO_TELEGRAM")}
