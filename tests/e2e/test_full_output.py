"""Output that cannot be written, as its disk is full: a line says so."""

import asyncio
import sys

import pytest


@pytest.mark.parametrize(
    "arguments",
    [["config", "show"], ["--version"]],
    ids=" ".join,
)
async def test_a_full_disk_costs_no_traceback(config, arguments):
    """`kommo-telegram config show > file` on a full disk fails in words."""
    with open("/dev/full", "wb") as full:  # noqa: ASYNC230, PTH123 - a device, opened at once
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "--config", str(config), *arguments),
            stdout=full,
            stderr=asyncio.subprocess.PIPE,
        )
        _said, errors = await child.communicate()
    (line,) = errors.decode().splitlines()
    assert child.returncode == 1
    assert "cannot write the output: No space left on device" in line
