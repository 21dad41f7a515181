"""The public listener under attack: real webhooks get through, and memory stays what it was."""

import asyncio
import hashlib
import hmac
import json
import time
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.attacks import MEBIBYTE, head, wave
from tests.e2e.conftest import SCOPE_ID, SECRET

WEBHOOKS = f"/webhooks/kommo/{SCOPE_ID}"
WRONG = "0" * 40
MAX_GROWTH_BYTES = 64 * MEBIBYTE
"""The bodies' budget twice, and what 500 connections cost."""

MAX_KEPT_BYTES = 32 * MEBIBYTE

SIZE = 256 * 1024
WHOLE, ALMOST = bytes(SIZE), bytes(SIZE - 1)
WAVES = {
    "unsigned": head(WEBHOOKS, length=SIZE) + WHOLE,
    "a foreign scope": head("/webhooks/kommo/other", length=SIZE, signature=WRONG) + WHOLE,
    "no such path": head("/nowhere", length=SIZE) + WHOLE,
    "forged": head(WEBHOOKS, length=SIZE, signature=WRONG) + WHOLE,
    "forged and never whole": head(WEBHOOKS, length=SIZE, signature=WRONG) + ALMOST,
}
MANY = ("unsigned", "forged and never whole")


@pytest.fixture
async def hook():
    """Post a signed webhook that asks for nothing; return its status."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:

        async def post(port, novelty):
            body = json.dumps({"account_id": "a", "time": 1, "novelty": novelty}).encode()
            signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
            url = f"http://127.0.0.1:{port}{WEBHOOKS}"
            headers = {"X-Signature": signature, "Connection": "close"}
            async with http.post(url, data=body, headers=headers) as answer:
                return answer.status

        yield post


def memory_bytes(pid):
    """Return how much memory a process has, and how much it had at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return tuple(int(values[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))


@pytest.mark.no_cover  # the bridge is a process of its own
async def test_large_bodies_cost_neither_memory_nor_webhooks(process, ports, hook, eventually):
    """Hundreds of large bodies at once: signed webhooks are answered 200, memory stays flat."""
    await process.start()
    _, before = memory_bytes(process.pid)
    for name, sent in WAVES.items():
        async with wave(ports[0], sent, connections=400 if name in MANY else 40):
            statuses = [await hook(ports[0], f"{name} {number}") for number in range(10)]
        assert (name, statuses) == (name, [200] * 10)
        _, highest = memory_bytes(process.pid)
        assert highest - before < MAX_GROWTH_BYTES, name
    await eventually(lambda: memory_bytes(process.pid)[0] - before < MAX_KEPT_BYTES)


async def test_idle_connections_make_room_for_a_webhook(bridge, ports, hook):
    """Five hundred connections that asked once and rest do not keep Kommo out."""
    ask = b"GET /media/none HTTP/1.1\r\nHost: a\r\n\r\n"
    async with wave(ports[0], ask, connections=300), wave(ports[0], b"", connections=300):
        began = time.monotonic()
        assert [await hook(ports[0], number) for number in range(5)] == [200] * 5
    assert time.monotonic() - began < 5


async def test_a_flood_of_refusals_is_summed_up(bridge, ports, caplog):
    """Two thousand unsigned webhooks are one line in the log, and one more a minute later."""
    url = f"http://127.0.0.1:{ports[0]}{WEBHOOKS}"
    async with aiohttp.ClientSession() as http:

        async def post():
            async with http.post(url, data=b"{}") as answer:
                return answer.status

        statuses = [await asyncio.gather(*(post() for _ in range(50))) for _ in range(4)]
    assert statuses == [[403] * 50] * 4
    assert caplog.text.count("webhook refused") == 1
