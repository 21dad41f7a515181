"""The whole bridge between the sandbox's Telegram and Kommo."""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.app import open_app
from bot.logs import Redactor
from bot.settings import load
from sandbox.kommo.model import Channel, Habits
from sandbox.kommo.server import KommoServer
from sandbox.telegram.server import TelegramServer
from tests.e2e.commands import run_command
from tests.e2e.lives import Lives
from tests.e2e.people import Client, Manager
from tests.e2e.quick import QUICK_RULES
from tests.ports import free_port

CHANNEL_ID = "11111111-2222-4333-8444-555555555555"
ACCOUNT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SCOPE_ID = f"{CHANNEL_ID}_{ACCOUNT_ID}"
SECRET = "fa4e" * 10
TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
BOT_ID = 700001


@pytest.fixture
def eventually():
    """Wait until something is true, but not for ever."""

    async def wait(is_true, *, within_s=30.0):
        deadline = time.monotonic() + within_s
        while not is_true():
            assert time.monotonic() < deadline, f"not within {within_s} s"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
async def telegram():
    """The sandbox's Telegram with one bot."""
    async with TelegramServer.start() as server:
        server.add_bot(TOKEN, name="Sales", username="sales_bot")
        yield server


@pytest.fixture
def ports():
    """The bridge's public and local port."""
    return free_port(), free_port()


@pytest.fixture
async def kommo(ports, request):
    """The sandbox's Kommo, which posts hooks to the bridge.

    A parameter says what it does with a message id that it knows: refuse or accept.
    """
    async with KommoServer.start(
        Channel(CHANNEL_ID, SECRET, ACCOUNT_ID),
        hook_url=f"http://127.0.0.1:{ports[0]}/webhooks/kommo/:scope_id",
        habits=Habits(repeated_msgid=getattr(request, "param", "refuse")),
    ) as server:
        yield server


@pytest.fixture
def config(tmp_path, telegram, kommo, ports):
    """The settings file that ties the bridge to both servers."""
    path = tmp_path / "config.toml"
    path.write_text(
        f"""
public_url = "http://127.0.0.1:{ports[0]}"
[kommo]
channel_id = "{CHANNEL_ID}"
channel_secret = "{SECRET}"
account_id = "{ACCOUNT_ID}"
chats_url = "{kommo.url}"
[telegram]
api_url = "{telegram.url}"
client_messages_per_min = 0  # many tests write much at once; see test_floods
[[telegram.bots]]
token = "{TOKEN}"
[listen]
port = {ports[0]}
[admin]
port = {ports[1]}
""",
        encoding="utf-8",
    )
    path.chmod(0o600)
    return path


class Bridge:
    """The bridge inside this process: started, stopped, started again."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.ahead = timedelta()
        """How far its clock is ahead of the world's."""
        self.environ: Mapping[str, str] = {}
        self.options: dict[str, Any] = {"rules": QUICK_RULES}
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def settings(self):
        return load(self.config, self.environ)

    async def start(self) -> None:
        self._stop = asyncio.Event()
        started = asyncio.Event()
        self._task = asyncio.create_task(self._run(started))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _run(self, started: asyncio.Event) -> None:
        redact = Redactor(self.settings.secrets())
        async with AsyncExitStack() as stack:
            app = await stack.enter_async_context(
                open_app(
                    self.settings,
                    redact=redact,
                    now=lambda: datetime.now(UTC) + self.ahead,
                    **self.options,
                )
            )
            started.set()
            await app.run(self._stop)


@pytest.fixture
def rules():
    """How the bridge retries what failed."""
    return QUICK_RULES


@pytest.fixture
async def bridge(config, rules):
    """The running bridge."""
    running = Bridge(config)
    running.options["rules"] = rules
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def process(config, ports):
    """A bridge process, not started yet."""
    made = Lives(config, ports[1])
    yield made
    await made.end()


@pytest.fixture(autouse=True)
def quiet_aiogram():
    """Keep aiogram's own chatter out of the test output."""
    logging.getLogger("aiogram").setLevel(logging.WARNING)


@pytest.fixture
def command(config):
    """Run a command with the settings; return its exit code, output and errors."""
    return partial(run_command, config=config)


@pytest.fixture
def ann(telegram, kommo, eventually):
    """A client."""
    return Client(telegram, kommo, eventually, 555)


@pytest.fixture
def manager(kommo, eventually):
    """The manager who answers."""
    return Manager(kommo, eventually)


@pytest.fixture
async def chat(bridge, kommo, ann, eventually):
    """A client has written, so that a manager can answer; returns Telegram's message id."""
    message_id = await ann.says("Hi", name="Zoë")
    await eventually(lambda: kommo.texts_in(ann.conversation) == ["Hi"])
    return message_id


@pytest.fixture
def send(kommo, ann, eventually):
    """Let a manager send something; returns Kommo's id once the status is there."""

    async def act(**content):
        message_id = await kommo.manager_sends(to=ann.conversation, **content)
        await eventually(lambda: kommo.statuses_of(message_id) != [])
        return message_id

    return act
