"""Files that are none: a command says so in a line, and does not wait for ever."""

import os

import pytest

from tests.e2e.commands import run_process


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
async def test_a_backup_has_to_be_a_file(config, tmp_path, make):
    """A pipe has no end, and nobody writes into it."""
    make(tmp_path / "copy")
    code, said, errors = await run_process(
        "restore", str(tmp_path / "copy"), "--yes", config=config
    )
    assert (code, said) == (1, "")
    assert "is no ordinary file" in errors


@pytest.mark.parametrize("make", [os.mkdir, lambda path: path.symlink_to(path.name)])
async def test_a_database_that_is_none_costs_no_traceback(config, tmp_path, make):
    """`check` goes on with its other findings."""
    make(tmp_path / "kommo-telegram.sqlite3")
    code, said, errors = await run_process("check", "--offline", config=config)
    assert (code, errors) == (1, "")
    assert "database" in said
