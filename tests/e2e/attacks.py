"""What strangers do to a listener: many connections, large bodies, and patience."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MEBIBYTE = 1 << 20


def head(path: str, *, length: int, signature: str | None = None) -> bytes:
    """Return the head of a POST."""
    signed = "" if signature is None else f"X-Signature: {signature}\r\n"
    return (
        f"POST {path} HTTP/1.1\r\nHost: bridge.example.com\r\n{signed}"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


@asynccontextmanager
async def wave(
    port: int, sent: bytes, *, connections: int = 495, local: tuple[str, int] | None = None
) -> AsyncIterator[None]:
    """Send the same on many connections at once, and keep them open while the block lasts."""
    tasks = [asyncio.create_task(_send(port, sent, local)) for _ in range(connections)]
    await asyncio.sleep(0.2)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(port: int, sent: bytes, local: tuple[str, int] | None) -> None:
    with contextlib.suppress(OSError):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=local)
        try:
            writer.write(sent)
            await writer.drain()
            await asyncio.sleep(60)
        finally:
            writer.close()
