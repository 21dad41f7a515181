"""`demo`: anyone can try all of it, and its exit code tells whether all of it works."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from sandbox import story


async def start(*options, **environ):
    """Start the demo as a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-u",
        "-m",
        "bot",
        "demo",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environ},
    )


async def test_demo_once_plays_the_conversation_and_exits_with_0():
    """Every message and every status arrives, as the two servers saw it."""
    demo = await start("--once")
    output, _ = await asyncio.wait_for(demo.communicate(), 120)
    text = output.decode()
    assert (demo.returncode, "Everything arrived." in text) == (0, True), text
    assert "delivered (1), read (2)" in text
    assert "error 905" in text


async def until_it_waits(demo):
    """Return what a demo prints until it waits for Ctrl-C."""
    lines: list[str] = []
    while "Ctrl-C" not in (lines[-1] if lines else ""):
        line = await asyncio.wait_for(demo.stdout.readline(), 120)
        assert line, "".join(lines)
        lines.append(line.decode())
    return lines


def bridge_of(demo):
    """Return the process of a demo's bridge."""
    (child,) = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text("ascii").split()
    return Path(f"/proc/{child}")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP], ids=["ctrl-c", "closed-terminal"])
async def test_demo_says_how_to_go_on_and_ends_cleanly(how):
    """It keeps running for trying it by hand, and takes its bridge along when it ends."""
    demo = await start()
    lines = await until_it_waits(demo)
    assert any("/sandbox/client/says" in line for line in lines)
    bridge = bridge_of(demo)
    demo.send_signal(how)
    output, _ = await asyncio.wait_for(demo.communicate(), 60)
    assert (demo.returncode, b"Traceback" in output) == (0, False)
    assert not bridge.exists()


async def test_a_demo_that_is_killed_leaves_no_bridge_behind(eventually):
    """No process of its own runs on, and polls, and holds ports."""
    demo = await start()
    await until_it_waits(demo)
    bridge = bridge_of(demo)
    demo.kill()
    await demo.wait()
    await eventually(lambda: not bridge.exists())


async def test_open_shows_the_page_in_a_browser_and_waits_for_nothing(tmp_path, eventually):
    """Whatever browser a person has: one that stays in the foreground holds nothing up."""
    browser, told = tmp_path / "browser", tmp_path / "told"
    browser.write_text(f'#!/bin/sh\necho "$1 $$" > {told}\nexec sleep 600 > /dev/null 2>&1\n')
    browser.chmod(0o700)
    demo = await start("--open", BROWSER=str(browser))
    lines = await until_it_waits(demo)
    await eventually(lambda: told.exists() and told.read_text("utf-8").endswith("\n"))
    address, process_id = told.read_text("utf-8").split()
    assert any(f"in a browser:   {address}" in line for line in lines)
    demo.send_signal(signal.SIGINT)
    await asyncio.wait_for(demo.communicate(), 30)
    assert demo.returncode == 0
    os.kill(int(process_id), signal.SIGTERM)  # it was still there


async def test_a_port_that_is_taken_is_said_at_once():
    """One line says which port, and what to do; no server, no bridge was started for it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = await start("--port", str(port))
        output, _ = await asyncio.wait_for(demo.communicate(), 60)
    assert demo.returncode == 1
    (line,) = output.decode().splitlines()
    assert f"cannot listen on port {port}: Address already in use; choose another one" in line


async def test_the_story_tells_what_the_servers_saw(bridge, telegram, kommo):
    """The transcript comes from the two servers, with every status in Kommo's numbers."""
    lines: list[str] = []
    assert await story.tell(telegram, kommo, say=lines.append, stop=asyncio.Event())
    text = "\n".join(lines)
    assert "delivered (1), in 2 parts" in text
    assert "MISSING" not in text


async def test_the_story_notices_what_is_missing(bridge, telegram, kommo, monkeypatch):
    """A message that does not arrive is named, and the whole counts as failed."""
    monkeypatch.setattr(story, "PATIENCE_S", 0.3)
    kommo.is_down = True
    lines: list[str] = []
    assert not await story.tell(telegram, kommo, say=lines.append, stop=asyncio.Event())
    assert any("MISSING: Ann's message did not arrive in Kommo" in line for line in lines)
