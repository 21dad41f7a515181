"""An import beside the bridge: the history that it brings along, and its process."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from benchmarks.subjects import ROOT, Subject
from benchmarks.world import World

FIRST_CLIENT = 500_000
CHATS = 50
"""Of the history; none of them is about while it is imported."""

BEGINNING = 1_700_000_000
BOT_OF_CHANNEL = "44444444-5555-4666-8777-888888888888"


def write_history(path: Path, count: int) -> None:
    """Write so many messages, in turns of client and company, chat after chat."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            line = {
                "chat_id": FIRST_CLIENT + number * CHATS // count,
                "id": number + 1,
                "at": BEGINNING + number,
                "side": "company" if number % 2 else "client",
                "name": "Somebody",
                "text": f"Old message {number}: do you deliver?",
            }
            file.write(json.dumps(line) + "\n")


class Importing:
    """A running import, and the most memory that it was seen with."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.peak_mb = 0.0

    @property
    def is_running(self) -> bool:
        """Tell whether it goes on."""
        return self._subject.process.returncode is None

    async def end(self) -> None:
        """Wait for its end, and watch its memory.

        Raises:
            RuntimeError: it failed.
        """
        while self.is_running:
            with suppress(OSError):  # it has just ended
                self.peak_mb = max(self.peak_mb, self._subject.memory_mb("VmHWM"))
            await asyncio.sleep(0.1)
        if self._subject.process.returncode != 0:
            raise RuntimeError("the import failed: see what it wrote above")


@asynccontextmanager
async def importing(folder: Path, world: World, count: int) -> AsyncIterator[Importing]:
    """Import so many messages into the database of the bridge in a folder."""
    history = folder / f"history-{count}.jsonl"
    write_history(history, count)
    usual = (folder / "config.toml").read_text(encoding="utf-8")
    config = folder / "import.toml"
    config.write_text(
        usual.replace("[telegram]", f'channel_bot_id = "{BOT_OF_CHANNEL}"\n[telegram]'), "utf-8"
    )
    config.chmod(0o600)
    command = ["-m", "bot", "--config", str(config), "import", str(history), "--yes", "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield Importing(Subject("import", process, world, 0.0))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
