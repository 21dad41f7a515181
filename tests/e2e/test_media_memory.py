"""Serving files takes the same memory, however large they are and however many."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

pytestmark = pytest.mark.no_cover  # the bridge is a process of its own; counting costs time

CONVERSATION = "tg:700001:555"
SIZE, DOWNLOADS, ALLOWED = 20 << 20, 100, 64 << 20


def resident_bytes(pid):
    """Return how much memory a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


async def test_a_hundred_large_files_in_flight_take_little_memory(
    process, telegram, kommo, eventually
):
    """Kommo's hundred downloads of 20 MB raise the bridge's memory by less than 64 MB."""
    await process.start()
    telegram.client_sends(telegram.media("document", telegram.add_file(SIZE, "large.bin")))
    await eventually(lambda: CONVERSATION in kommo.conversations, within_s=60)
    link = kommo.messages_in(CONVERSATION)[0].content["media"]
    before = resident_bytes(process.pid)
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        answers = [await stack.enter_async_context(http.get(link)) for _ in range(DOWNLOADS)]
        received = await asyncio.gather(
            *(answer.content.readexactly(1 << 20) for answer in answers)
        )
        assert {len(start) for start in received} == {1 << 20}
        assert {answer.content_length for answer in answers} == {SIZE}
        assert resident_bytes(process.pid) - before < ALLOWED
        for answer in answers:
            answer.close()


async def test_downloads_that_are_given_up_leave_the_bridge_well(
    process, telegram, kommo, eventually
):
    """A reader that goes away in the middle costs nothing; the next one gets all of it."""
    await process.start()
    telegram.client_sends(telegram.media("document", telegram.add_file(SIZE, "large.bin")))
    await eventually(lambda: CONVERSATION in kommo.conversations, within_s=60)
    link = kommo.messages_in(CONVERSATION)[0].content["media"]
    async with aiohttp.ClientSession() as http:
        for _ in range(10):
            async with http.get(link) as answer:
                await answer.content.readexactly(1000)
                answer.close()
        async with http.get(link) as answer:
            assert len(await answer.read()) == SIZE
    assert "Traceback" not in process.log.read_text(encoding="utf-8")
