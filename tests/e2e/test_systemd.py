"""The process under systemd's eyes: a real notification socket."""

import asyncio
import contextlib
import socket
import sqlite3

import pytest

from tests.e2e.commands import run_process


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """The socket on which a service reports."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        yield listener


async def heard(systemd):
    """Return the next message as its lines."""
    data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(systemd, 4096), 20)
    return data.decode().splitlines()


async def test_it_says_ready_alive_and_stopping(systemd, process, kommo, telegram):
    """Ready comes first, then signs of life, at the end that it stops."""
    await process.start()
    assert (await heard(systemd))[0] == "READY=1"
    assert (await heard(systemd))[0] == "WATCHDOG=1"
    await asyncio.gather(process.terminate(), _until_stopping(systemd))


async def test_a_database_that_takes_no_writes_starves_the_watchdog(
    systemd, process, config, kommo, telegram, eventually
):
    """While another program holds the database, systemd hears nothing, and acts if it stays so."""
    await process.start()
    assert (await heard(systemd))[0] == "READY=1"
    holder = sqlite3.connect(config.parent / "kommo-telegram.sqlite3", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        await eventually(lambda: process.log.read_text().count("does not accept writes") > 1)
        _forget(systemd)
        await eventually(lambda: process.log.read_text().count("does not accept writes") > 2)
        with pytest.raises(BlockingIOError):
            systemd.recv(4096)
    finally:
        holder.close()
    assert (await heard(systemd))[0] == "WATCHDOG=1"


async def test_the_status_says_ready_and_connected_at_once(
    systemd, process, kommo, telegram, monkeypatch
):
    """However seldom signs of life are wanted: `systemctl status` is right within seconds."""
    monkeypatch.setenv("WATCHDOG_USEC", "90000000")
    await process.start()
    lines = []
    async with asyncio.timeout(8):
        while "STATUS=ready; connected to Kommo; 1 of 1 bots work" not in lines:
            lines = await heard(systemd)


async def test_an_end_by_an_error_has_its_line_too(process, config, kommo, telegram):
    """A port that is taken: what was wrong comes last, as an error of the journal."""
    await process.start()
    config.write_text(
        config.read_text(encoding="utf-8").replace(
            "[telegram]", '[storage]\npath = "other.sqlite3"\n[telegram]'
        ),
        encoding="utf-8",
    )
    code, _output, errors = await run_process("run", config=config)
    assert code == 1
    lines = errors.splitlines()
    assert "started" in lines[0]
    assert "stopped" in lines[-2]
    assert "cannot listen" in lines[-1]


def _forget(systemd):
    """Drop what was said until now."""
    with contextlib.suppress(BlockingIOError):
        while systemd.recv(4096):
            continue


async def _until_stopping(systemd):
    while "STOPPING=1" not in await heard(systemd):
        continue
