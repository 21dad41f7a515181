"""`demo`: the real bridge, as its own process, between the sandbox's Telegram and Kommo."""

import asyncio
import os
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.cli.demo_bridge import BridgeProcess
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from sandbox import story
from sandbox.kommo.model import Channel
from sandbox.kommo.server import KommoServer
from sandbox.page.server import serve_page
from sandbox.telegram.server import TelegramServer

app = PlainTyper()

LOOPBACK = "127.0.0.1"
CHANNEL = Channel(
    id="11111111-2222-4333-8444-555555555555",
    secret="0" * 40,
    account_id="aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
)
BOTS = (
    ("700001:SANDBOX-TOKEN-THAT-OPENS-NOTHING-000", "Sales", "sandbox_sales_bot"),
    ("700002:SANDBOX-TOKEN-THAT-OPENS-NOTHING-000", "Support", "sandbox_support_bot"),
)

SETTINGS = """\
public_url = "http://{host}:{public_port}"

[kommo]
channel_id = "{channel_id}"
channel_secret = "{channel_secret}"
channel_bot_id = "{channel_bot_id}"
account_id = "{account_id}"
chats_url = "{kommo_url}"
api_url = "{kommo_url}"
access_token = "{access_token}"

[telegram]
api_url = "{telegram_url}"
# Whoever tries it may write as fast as they like: the page counts every message.
client_messages_per_min = 0

[[telegram.bots]]
token = "{sales}"
name = "Sales"
source = "sales"
default = true

[[telegram.bots]]
token = "{support}"
name = "Support"
source = "support"

[listen]
port = {public_port}

[admin]
port = {admin_port}
"""


class DemoError(BridgeError):
    """The demo cannot be shown."""


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
            help="Where the sandbox's page is.",
            show_default="any that is free",
        ),
    ] = 0,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Try the bridge on an embedded sandbox: no account, no token, no network."""
    raise typer.Exit(asyncio.run(_demo(once=once, port=port, is_opened=is_opened)))


async def _demo(*, once: bool, port: int, is_opened: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # also a closed terminal
        loop.add_signal_handler(number, stop.set)
    console = Console(highlight=False)

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    with _listener(0 if once else port) as listening:  # a port that is taken costs no time
        async with _servers() as (telegram, kommo, bridge):
            if once:
                return 0 if await story.tell(telegram, kommo, say=say, stop=stop) else 1
            async with serve_page(telegram, kommo, bridge, listening) as page:
                told = await story.tell(telegram, kommo, say=say, stop=stop)
                if stop.is_set():
                    return 0 if told else 1
                say(story.invitation(page, telegram.url, kommo.url))
                say(f"  the bridge's health:   curl {bridge.admin_url}/healthz\n")
                _open(page, say, is_wanted=is_opened)
                say("Press Ctrl-C to stop.")
                await stop.wait()
    return 0 if told else 1


def _listener(port: int) -> socket.socket:
    """Return a socket that the page will listen on."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise DemoError(
            f"the page cannot listen on port {port}: {reason}; choose another one, or none"
        ) from error


def _open(page: str, say: Callable[[str], None], *, is_wanted: bool) -> None:
    """Open a browser, and wait for nothing: some commands last as long as the browser is open."""

    def show() -> None:
        if not webbrowser.open(page):
            say("No browser was found: open the address above in yours.")

    if is_wanted:
        threading.Thread(target=show, daemon=True).start()


@asynccontextmanager
async def _servers() -> AsyncIterator[tuple[TelegramServer, KommoServer, BridgeProcess]]:
    """Run both servers, and the bridge between them, until the block is left."""
    public_port, admin_port = _free_port(), _free_port()
    async with (
        TelegramServer.start(LOOPBACK, 0) as telegram,
        KommoServer.start(
            CHANNEL,
            LOOPBACK,
            hook_url=f"http://{LOOPBACK}:{public_port}/webhooks/kommo/:scope_id",
        ) as kommo,
    ):
        for token, name, username in BOTS:
            telegram.add_bot(token, name=name, username=username)
        settings = SETTINGS.format(
            host=LOOPBACK,
            public_port=public_port,
            admin_port=admin_port,
            channel_id=CHANNEL.id,
            channel_secret=CHANNEL.secret,
            channel_bot_id=CHANNEL.bot_id,
            account_id=CHANNEL.account_id,
            kommo_url=kommo.url,
            access_token=kommo.access_token,
            telegram_url=telegram.url,
            sales=BOTS[0][0],
            support=BOTS[1][0],
        )
        with tempfile.TemporaryDirectory(prefix="kommo-telegram-demo-") as folder:
            config = Path(folder) / "config.toml"
            config.write_text(settings, encoding="utf-8")
            config.chmod(0o600)
            bridge = BridgeProcess(config, f"http://{LOOPBACK}:{admin_port}")
            try:
                if problem := await bridge.start():
                    raise DemoError(problem)
                yield telegram, kommo, bridge
            finally:
                await bridge.stop()


def _free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
