"""The bridge under its unit's restrictions, tried for real. Needs bubblewrap and libseccomp."""

import asyncio
import io
import os
import sys
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from tests.programs import program
from tests.service import confinement

ROOT = Path(__file__).parent.parent.parent
UNIT = ROOT / "systemd/kommo-telegram.service"
CONVERSATION = "tg:700001:555"
ANN = 555

FORBIDDEN = {
    "memory that is written and run": "import mmap; mmap.mmap(-1, 4096, prot=7)",
    "a socket of another family": "import socket; socket.socket(16, 3)",
    "a namespace": "import ctypes\n"
    "if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):"
    " raise OSError(ctypes.get_errno(), '')",
    "writing to the system": "open('/etc/forbidden', 'w')",
    "a file that runs with its owner's rights": "import os; os.chmod(FILE, 0o4755)",
    "mounting": "import ctypes\n"
    "if ctypes.CDLL(None, use_errno=True).mount(None, b'/tmp', b'tmpfs', 0, None):"
    " raise OSError(ctypes.get_errno(), '')",
}


@pytest.fixture
async def confined(tmp_path):
    """Start Python as the unit would be run; what it starts is ended."""
    bwrap, analyzer = program("bubblewrap", "bwrap"), program("systemd", "systemd-analyze")
    library = confinement.library()
    assert library is not None, "libseccomp comes with systemd"
    filter_file = confinement.filter_of(UNIT, analyzer, library)
    started = []

    async def start(*arguments):
        child = await asyncio.create_subprocess_exec(
            *confinement.command(bwrap, filter_file, tmp_path),
            *(sys.executable, "-P", *arguments),
            cwd=ROOT,
            pass_fds=[filter_file],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)},
        )
        started.append(child)
        os.lseek(filter_file, 0, os.SEEK_SET)
        return child

    yield start
    for child in started:
        if child.returncode is None:
            child.kill()
            await child.wait()
    os.close(filter_file)


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_the_restrictions_bite(confined, tmp_path, what):
    """What the unit forbids fails here too, so that the next test means something."""
    file = tmp_path / "file"
    file.touch()
    child = await confined("-c", FORBIDDEN[what].replace("FILE", repr(str(file))))
    output = (await child.communicate())[0].decode()
    assert child.returncode == 1
    assert "PermissionError" in output or "Read-only file system" in output


async def test_the_bridge_works_under_its_units_restrictions(
    confined, config, telegram, kommo, eventually
):
    """Texts, a sticker that is converted and a file that is fetched cross; SIGTERM ends it."""
    name = 'api_url = "http://localhost'  # which has to be looked up
    config.write_text(config.read_text().replace('api_url = "http://127.0.0.1', name))
    child = await confined("-m", "bot", "--config", str(config), "run")
    telegram.client_says("hello")
    await eventually(lambda: CONVERSATION in kommo.conversations, within_s=60)
    await kommo.manager_says("welcome", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["welcome"])
    sticker = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(sticker, "WEBP")
    telegram.client_sends(
        telegram.media("sticker", telegram.add_file(sticker.getvalue(), "s.webp"))
    )
    await eventually(lambda: len(kommo.messages_in(CONVERSATION)) > 2)
    async with (
        aiohttp.ClientSession() as http,
        http.get(kommo.messages_in(CONVERSATION)[-1].content["media"]) as answer,
    ):
        assert (await answer.read()).startswith(b"\x89PNG")
    link = kommo.add_attachment(b"%PDF", "a.pdf")
    await kommo.manager_says("", type="file", media=link, to=CONVERSATION)
    await eventually(lambda: len(telegram.sent_to(ANN)) > 1)
    assert child.returncode is None
    child.terminate()
    output, _ = await asyncio.wait_for(child.communicate(), 20)
    assert "Operation not permitted" not in output.decode()
