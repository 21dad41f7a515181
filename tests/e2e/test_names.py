"""Names that cannot be looked up, and can again, while the bridge runs. Needs bubblewrap."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.programs import program

ROOT = Path(__file__).parent.parent.parent
CONVERSATION = "tg:700001:555"
ANN = 555


@pytest.fixture
async def known(bridge, telegram, kommo, eventually):
    """A client who wrote; the bridge was stopped since."""
    telegram.client_says("before")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await bridge.stop()


@pytest.fixture
def names(tmp_path):
    """Return the only file that names are looked up in; it is empty."""
    (tmp_path / "nsswitch.conf").write_text("hosts: files\n", encoding="utf-8")
    file = tmp_path / "hosts"
    file.touch()
    return file


@pytest.fixture
async def nameless(known, names, config, tmp_path):
    """Run the bridge where both sides have a name, and none can be looked up."""
    text = config.read_text(encoding="utf-8")
    for key in ("api_url", "chats_url"):
        text = text.replace(f'{key} = "http://127.0.0.1', f'{key} = "http://localhost')
    config.write_text(text, encoding="utf-8")
    log = tmp_path / "log"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *(program("bubblewrap", "bwrap"), "--dev-bind", "/", "/", "--die-with-parent"),
            *("--bind", str(names), "/etc/hosts"),
            *("--bind", str(names.with_name("nsswitch.conf")), "/etc/nsswitch.conf"),
            *(sys.executable, "-m", "tests.e2e.quick", "--config", str(config), "run"),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            yield log
            assert child.returncode is None  # it is the same process to the end
        finally:
            child.kill()  # what it runs dies with it
            await child.wait()


async def test_when_names_can_be_looked_up_again_all_goes_on(
    nameless, names, telegram, kommo, eventually
):
    """Both directions wait, the log says why, and nothing needs a restart."""
    telegram.client_says("meanwhile")
    await eventually(lambda: "Telegram could not be reached" in nameless.read_text(), within_s=60)
    answer = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: "delivery to Telegram failed" in nameless.read_text())
    assert "no answer from Kommo" in nameless.read_text()
    assert "meanwhile" not in kommo.texts_in(CONVERSATION)
    names.write_text("127.0.0.1 localhost\n", encoding="utf-8")
    await eventually(lambda: "meanwhile" in kommo.texts_in(CONVERSATION), within_s=30)
    await eventually(lambda: 1 in kommo.statuses_of(answer), within_s=30)
    assert telegram.texts_to(ANN) == ["answer"]
    assert "Traceback" not in nameless.read_text()
