"""How many requests a second the load servers answer: asked by a process of its own."""

import asyncio
import sys
import time
from urllib.parse import urlsplit

from benchmarks.http import flood, post_request, serving
from benchmarks.world import TOKEN, Telegram

CONNECTIONS = 16


async def measure(count: int) -> float:
    """Return how many calls a second a load server answers."""
    telegram = Telegram()
    async with serving(telegram.handle) as url:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.ceiling", url, str(count), stdout=-1
        )
        output, _errors = await process.communicate()
    if process.returncode or time.perf_counter() < began:
        raise RuntimeError("the load servers could not be measured")
    return float(output)


async def main(url: str, count: str) -> None:
    """Post so many calls, and print how many a second were answered."""
    body = b"chat_id=1000&text=Hello"
    requests = [post_request(f"/bot{TOKEN}/sendMessage", body, {})] * int(count)
    began = time.perf_counter()
    await flood(urlsplit(url).port or 0, requests, CONNECTIONS)
    print(int(count) / (time.perf_counter() - began))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
