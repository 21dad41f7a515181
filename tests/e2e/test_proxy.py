"""Debian's nginx in front of the bridge, with the example from the documents."""

import asyncio
import io
import time
from pathlib import Path

import aiohttp
import pytest

from bot.operate.challenge import proof
from tests.e2e.conftest import SECRET
from tests.ports import free_port
from tests.programs import program

EXAMPLE = Path(__file__).parent.parent.parent / "docs/proxy/nginx.conf"
CHALLENGE = "0" * 32


@pytest.fixture
async def proxy(tmp_path, ports):
    """The example, but for its certificate and its ports."""
    executable = program("nginx-light", "nginx")
    port = free_port()
    lines = EXAMPLE.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{ports[0]}").splitlines()
    server = "\n".join(line for line in lines if "ssl_" not in line and "[::]" not in line)
    server = server.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error;"
        f"events {{}} http {{ access_log off; {temporary}\n{server}\n}}"
    )
    process = await asyncio.create_subprocess_exec(
        executable, "-c", str(config), "-p", str(tmp_path)
    )
    try:
        await _until_open(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_open(port, process):
    deadline = time.monotonic() + 20
    while True:
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert process.returncode is None
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


async def test_it_leads_to_the_bridge(bridge, proxy):
    """The public address answers for itself, refuses unsigned hooks and large bodies."""
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{proxy}/check/{CHALLENGE}") as answer:
            assert await answer.text() == proof(SECRET, CHALLENGE)
        async with http.get(f"{proxy}/check/else") as answer:
            assert answer.status == 404
        async with http.post(f"{proxy}/webhooks/kommo/x", data=b"{}") as answer:
            assert answer.status == 403
        async with http.post(
            f"{proxy}/webhooks/kommo/x", data=io.BytesIO(bytes(1 << 21))
        ) as answer:
            assert answer.status == 413
