"""Debian's nginx and Caddy in front of the bridge, with the examples from the documents."""

import asyncio
import io
import os
import time
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.operate.check.public_address import proof
from tests.e2e.attacks import MEBIBYTE, head, wave
from tests.e2e.conftest import SCOPE_ID, SECRET
from tests.e2e.test_webhook import hook, signature
from tests.ports import free_port
from tests.programs import program

EXAMPLES = Path(__file__).parent.parent.parent / "docs/proxy"
CHALLENGE = "0" * 32
WEBHOOKS = f"/webhooks/kommo/{SCOPE_ID}"
SIZE = 256 * 1024
WAVES = {
    "unsigned": head(WEBHOOKS, length=SIZE) + bytes(SIZE),
    "forged": head(WEBHOOKS, length=SIZE, signature="0" * 40) + bytes(SIZE),
    "never whole": head(WEBHOOKS, length=SIZE, signature="0" * 40) + bytes(1000),
    "elsewhere": head("/media/nothing", length=SIZE) + bytes(SIZE),
}
PASSED_ON = ("forged", "never whole")
"""What looks like a webhook takes two of the 768 connections that Debian's nginx has."""


def nginx(folder, port, behind, *, limits=""):
    """Return the command that runs the example, but for its certificate and its ports."""
    text = (EXAMPLES / "nginx.conf").read_text().replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
    lines = (line for line in text.splitlines() if "ssl_" not in line and "[::]" not in line)
    server = "\n".join(lines).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;"
        "events { worker_connections 768; }"  # as Debian has it
        f"http {{ access_log off; {temporary}\n{limits}\n{server}\n}}"
    )
    return [program("nginx-light", "nginx"), "-c", str(config), "-p", str(folder)]


def caddy(folder, port, behind, *, options="{\n\tadmin off\n}"):
    """Return the command that runs the example without a certificate, on other ports."""
    text = (EXAMPLES / "Caddyfile").read_text().replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
    site = text.replace("bridge.example.com {", f"http://127.0.0.1:{port} {{")
    config = folder / "Caddyfile"
    config.write_text(f"{options}\n{site}")
    return [program("caddy", "caddy"), "run", "--config", str(config), "--adapter", "caddyfile"]


@asynccontextmanager
async def running(command, folder, port):
    """Run a proxy while the block lasts."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _until_open(port, process)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture(params=["nginx", "caddy"])
async def proxy(request, tmp_path, ports):
    """The port of one of the two, in front of the bridge."""
    port = free_port()
    made = (nginx if request.param == "nginx" else caddy)(tmp_path, port, ports[0])
    async with running(made, tmp_path, port):
        yield port


@pytest.fixture
async def limited(tmp_path, ports):
    """The port of nginx with its limits."""
    port = free_port()
    limits = (EXAMPLES / "nginx-limits.conf").read_text()
    async with running(nginx(tmp_path, port, ports[0], limits=limits), tmp_path, port):
        yield port


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
    address = f"http://127.0.0.1:{proxy}"
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{address}/check/{CHALLENGE}") as answer:
            assert await answer.text() == proof(SECRET, CHALLENGE)
        async with http.get(f"{address}/check/else") as answer:
            assert answer.status == 404
        async with http.post(f"{address}/webhooks/kommo/x", data=b"{}") as answer:
            assert answer.status == 403
        large, headers = bytes(2 * MEBIBYTE), {"X-Signature": "0" * 40}
        async with http.post(
            f"{address}{WEBHOOKS}", data=io.BytesIO(large), headers=headers
        ) as answer:
            assert answer.status == 413


async def test_real_webhooks_get_through_waves_of_large_bodies(bridge, proxy):
    """Hundreds of strangers' bodies at once cost Kommo nothing: each webhook is answered 200."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as http:

        async def post(number):
            body = hook(f"number {number}", message_id=f"message-{number}")
            async with http.post(
                f"http://127.0.0.1:{proxy}{WEBHOOKS}",
                data=body,
                headers={"X-Signature": signature(body), "Connection": "close"},
            ) as answer:
                return answer.status

        for name, sent in WAVES.items():
            count = 200 if name in PASSED_ON else 495
            async with wave(proxy, sent, connections=count):
                statuses = [await post(f"{name}-{number}") for number in range(5)]
            assert (name, statuses) == (name, [200] * 5)


async def test_one_address_cannot_take_all_connections(bridge, limited):
    """With the limits a stranger's hundredth connection is the last, and Kommo's are others."""
    address = f"http://127.0.0.1:{limited}{WEBHOOKS}"
    body, stranger = hook("hello", message_id="m1"), ("127.0.0.2", 0)
    headers = {"X-Signature": signature(body), "Connection": "close"}

    async def post(local=None):
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=local)) as http,
            http.post(address, data=body, headers=headers) as answer,
        ):
            return answer.status

    sent = WAVES["never whole"]
    async with wave(limited, sent, connections=150, local=stranger):
        assert await post(stranger) == 429
        assert await post() == 200
    assert await post(stranger) == 200


async def test_a_slow_stranger_makes_room_in_caddy(bridge, tmp_path, ports):
    """With the lines for its beginning, a head that never ends costs a connection for a while."""
    text = (EXAMPLES / "caddy-timeouts").read_text()
    assert "read_header 10s" in text
    options = text.replace("{\n", "{\n\tadmin off\n", 1).replace("10s", "300ms")
    port = free_port()
    async with running(caddy(tmp_path, port, ports[0], options=options), tmp_path, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: ")
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
