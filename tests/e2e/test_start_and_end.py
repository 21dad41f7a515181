"""The first and the last moments of a command: Ctrl-C, and an output that nobody reads."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from signal import SIGINT

import pytest

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
