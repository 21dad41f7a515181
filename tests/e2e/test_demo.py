"""`demo`: anyone can try all of it, and its exit code tells whether all of it works."""

import asyncio
import signal
import sys

from sandbox import story


async def start(*options):
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
    )


async def test_demo_once_plays_the_conversation_and_exits_with_0():
    """Every message and every status arrives, as the two servers saw it."""
    demo = await start("--once")
    output, _ = await asyncio.wait_for(demo.communicate(), 120)
    text = output.decode()
    assert (demo.returncode, "Everything arrived." in text) == (0, True), text
    assert "delivered (1), read (2)" in text
    assert "error 905" in text


async def test_demo_says_how_to_go_on_and_ends_with_ctrl_c():
    """It keeps running for trying it by hand, and ends cleanly on Ctrl-C."""
    demo = await start()
    assert demo.stdout is not None
    lines: list[str] = []
    while "Ctrl-C" not in (lines[-1] if lines else ""):
        line = await asyncio.wait_for(demo.stdout.readline(), 120)
        assert line, "".join(lines)
        lines.append(line.decode())
    assert any("/sandbox/client/says" in line for line in lines)
    demo.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(demo.communicate(), 60)
    assert (demo.returncode, b"Traceback" in output) == (0, False)


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
