"""`demo`: the real bridge, as its own process, between the sandbox's Telegram and Kommo."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from sandbox import story
from sandbox.kommo.server import KommoServer
from sandbox.telegram.server import TelegramServer

app = PlainTyper()

LOOPBACK = "127.0.0.1"
CHANNEL_ID = "11111111-2222-4333-8444-555555555555"
ACCOUNT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
CHANNEL_SECRET = "0" * 40
BOT_TOKEN = "700001:SANDBOX-TOKEN-THAT-OPENS-NOTHING-000"  # noqa: S105 - opens nothing
START_S, STOP_S = 20.0, 10.0

SETTINGS = """\
public_url = "http://{host}:{public_port}"

[kommo]
channel_id = "{channel_id}"
channel_secret = "{channel_secret}"
account_id = "{account_id}"
chats_url = "{kommo_url}"

[telegram]
api_url = "{telegram_url}"

[[telegram.bots]]
token = "{token}"
name = "Sandbox"

[listen]
port = {public_port}

[admin]
port = {admin_port}
"""


class DemoError(BridgeError):
    """The bridge of the demo did not start."""


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Play the conversation, check it, and stop.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            metavar="N",
            help="Where the sandbox's Kommo listens.",
            show_default="any that is free",
        ),
    ] = 0,
) -> None:
    """Try the bridge on an embedded sandbox: no account, no token, no network."""
    raise typer.Exit(asyncio.run(_demo(once=once, port=port)))


async def _demo(*, once: bool, port: int) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    console = Console(highlight=False)

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    public_port, admin_port = _free_port(), _free_port()
    async with (
        TelegramServer.start(LOOPBACK, 0) as telegram,
        KommoServer.start(
            LOOPBACK,
            port,
            channel_id=CHANNEL_ID,
            secret=CHANNEL_SECRET,
            account_id=ACCOUNT_ID,
            hook_url=f"http://{LOOPBACK}:{public_port}/webhooks/kommo/:scope_id",
        ) as kommo,
    ):
        telegram.add_bot(BOT_TOKEN, name="Sandbox", username="sandbox_bot")
        settings = SETTINGS.format(
            host=LOOPBACK,
            public_port=public_port,
            admin_port=admin_port,
            channel_id=CHANNEL_ID,
            channel_secret=CHANNEL_SECRET,
            account_id=ACCOUNT_ID,
            kommo_url=kommo.url,
            telegram_url=telegram.url,
            token=BOT_TOKEN,
        )
        with tempfile.TemporaryDirectory(prefix="kommo-telegram-demo-") as folder:
            async with _bridge(Path(folder), settings, admin_port):
                told = await story.tell(telegram, kommo, say=say, stop=stop)
                if not once and not stop.is_set():
                    say(story.invitation(telegram.url, kommo.url))
                    say(f"  the bridge's health:   curl http://{LOOPBACK}:{admin_port}/healthz\n")
                    say("Ctrl-C ends it.")
                    await stop.wait()
    return 0 if told else 1


@asynccontextmanager
async def _bridge(folder: Path, settings: str, admin_port: int) -> AsyncIterator[None]:
    """Run the bridge as a process of its own until the block is left."""
    config, log = folder / "config.toml", folder / "bridge.log"
    config.write_text(settings, encoding="utf-8")
    config.chmod(0o600)
    environ = {k: v for k, v in os.environ.items() if not k.startswith("KOMMO_TELEGRAM")}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "--config", str(config), "run",
            stdout=output, stderr=output, env=environ, start_new_session=True,
        )  # fmt: skip
    try:
        await _until_healthy(process, admin_port, log)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _until_healthy(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    """Wait until the bridge says that it works; raise with its log when it does not."""
    deadline = asyncio.get_running_loop().time() + START_S
    while asyncio.get_running_loop().time() < deadline and process.returncode is None:
        if await story.is_ok(f"http://{LOOPBACK}:{port}/healthz"):
            return
        await asyncio.sleep(0.1)
    output = await asyncio.to_thread(log.read_text, encoding="utf-8", errors="replace")
    raise DemoError(f"the bridge did not start; it said:\n{output}")


def _free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
