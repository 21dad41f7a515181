"""The first and the last moments of a command: Ctrl-C, and an output that nobody reads."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from datetime import UTC, datetime
from signal import SIGINT

import pytest

from storage.conversations import Conversation
from storage.database import Database
from storage.queue.producer import Draft
from tests.e2e.terminals import CTRL_C, on_terminal

CONVERSATION = "tg:700001:555"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

MODULE = ["-m", "bot"]
SCRIPT = ["-c", "import sys; from bot.__main__ import main; sys.exit(main())"]
"""How the program is started; the second is what an installed `kommo-telegram` holds."""

WAYS = pytest.mark.parametrize("way", [MODULE, SCRIPT], ids=["module", "script"])


@WAYS
@pytest.mark.parametrize("moment", ["typer.core", "tomllib", "pydantic.main", "bot.settings"])
async def test_ctrl_c_while_it_starts_is_quiet(config, way, moment):
    """Whatever is being imported at that moment: nothing has begun, and there is no traceback."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", *way, "--config", str(config), "run"),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    assert child.stderr is not None
    async for line in child.stderr:  # Python tells which module it has imported
        if line.split(b"|")[-1].strip() == moment.encode():
            child.send_signal(SIGINT)
            break
    rest = await child.stderr.read()
    assert await child.wait() == 130
    said = [line for line in rest.splitlines() if not line.startswith(b"import time:")]
    assert said == []


CLOSED = {"output": ">&-", "all": ">&- 2>&- <&-"}


@pytest.mark.parametrize("closed", CLOSED.values(), ids=CLOSED)
@pytest.mark.parametrize("command", ["config show", "queue list"])
async def test_a_closed_stream_costs_no_traceback(config, closed, command):
    """The command does what it does; who closes the output does not want it."""
    line = f'"{sys.executable}" -m bot --config "{config}" {command} {closed}'
    child = await asyncio.create_subprocess_shell(line, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    said, errors = await child.communicate()
    assert child.returncode == (1 if command == "queue list" else 0)  # there is no database
    assert b"Traceback" not in said + errors
    assert errors.count(b"\n") == (command == "queue list" and "2>" not in closed)


@pytest.mark.parametrize("command", ["config show", "--help"])
async def test_a_reader_that_has_gone_costs_no_traceback(config, command):
    """`kommo-telegram config show | head -n 0` ends without a word."""
    line = f'"{sys.executable}" -m bot --config "{config}" {command} | true'
    child = await asyncio.create_subprocess_shell(line, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    assert await child.communicate() == (b"", b"")


@pytest.fixture
async def questions(config, tmp_path):
    """Commands that ask before they do something, all of which could be done."""
    copy, archive = tmp_path / "copy.sqlite3", tmp_path / "widget.zip"
    async with Database.open(config.parent / "kommo-telegram.sqlite3") as database:
        async with database.transaction() as tx:
            await tx.conversations.remember(Conversation(CONVERSATION, 700001, 555, "Ann", NOON))
            draft = Draft("1", ordering_key=CONVERSATION, kind="manager_message", payload="{}")
            await tx.to_telegram.add(draft, now=NOON, expires_at=NOON)
        await database.backup(copy)
    archive.write_bytes(b"mine")
    return {
        "restore": [str(copy)],
        "forget": ["--chat", CONVERSATION],
        "queue drop": ["outgoing-1"],
        "widget": [str(archive)],
        "disconnect": [],
    }


async def test_ctrl_c_at_a_question_changes_nothing(config, questions):
    """It is as good as a no, and says so."""
    for name, arguments in questions.items():
        before = {path: path.read_bytes() for path in config.parent.iterdir() if path.is_file()}
        with on_terminal("--config", str(config), *name.split(), *arguments) as terminal:
            await terminal.until("[y/N]: ")
            terminal.type(CTRL_C)
            assert await terminal.ended() == 1, terminal.shown
        assert "Nothing was changed." in terminal.shown, name
        assert "Traceback" not in terminal.shown
        after = {path: path.read_bytes() for path in before}
        assert after == before, name
