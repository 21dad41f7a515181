"""With a Bot API server of one's own, files of any size cross."""

import aiohttp
import pytest

from sandbox.telegram.server import TelegramServer
from tests.e2e.conftest import TOKEN

CONVERSATION = "tg:700001:555"
SIZE = 30 << 20


@pytest.fixture
async def telegram(tmp_path):
    """A local Bot API server, which hands files over by their place on the disk."""
    folder = tmp_path / "bot-api"
    folder.mkdir()
    async with TelegramServer.start(local_folder=folder) as server:
        server.add_bot(TOKEN)
        yield server


async def test_a_file_beyond_the_clouds_limit_is_read_from_the_disk(
    bridge, telegram, kommo, eventually
):
    """Kommo fetches all of it, or a part."""
    kommo.fetch_media = kommo.head_first = True
    file_id = telegram.add_file(SIZE, "film.mp4")
    telegram.client_sends(telegram.media("video", file_id))
    await eventually(lambda: kommo.fetched, within_s=60)
    (fetched,) = kommo.fetched
    assert (fetched.status, fetched.head_status, fetched.size) == (200, 200, SIZE)
    assert fetched.sha256 == telegram.files[file_id].sha256
    wanted = {"Range": f"bytes={SIZE - 10}-"}
    async with aiohttp.ClientSession() as http, http.get(fetched.url, headers=wanted) as answer:
        assert (answer.status, len(await answer.read())) == (206, 10)


async def test_a_file_that_the_disk_has_lost_is_not_served(bridge, telegram, kommo, eventually):
    """What the local server promised and the disk does not have is an error of theirs."""
    telegram.client_sends(telegram.media("video", telegram.add_file(SIZE, "film.mp4")))
    await eventually(lambda: CONVERSATION in kommo.conversations)
    (message,) = kommo.messages_in(CONVERSATION)
    lost = {"file_id": "F", "file_unique_id": "u", "file_path": "/nowhere/f"}
    telegram.faults.fail("getFile", status=200, body={"ok": True, "result": lost})
    async with aiohttp.ClientSession() as http, http.get(message.content["media"]) as answer:
        assert answer.status == 502
