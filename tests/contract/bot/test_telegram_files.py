"""What Telegram's server says of a file, and what whoever asks for it is told."""

import aiohttp
import pytest
from aiogram import Bot

from bot.http.telegram_session import TelegramSession
from bot.media.file_errors import FileError
from bot.media.telegram_files import TelegramFiles, file_address
from sandbox.telegram.server import TelegramServer

BOT_ID = 700001
TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
TRIES = 3
PASSING = "Bad Request: wrong file_id or the file is temporarily unavailable"


@pytest.fixture
async def telegram():
    """Telegram's server with one bot."""
    async with TelegramServer.start() as server:
        server.add_bot(TOKEN)
        yield server


@pytest.fixture
async def files(telegram):
    """What is tested."""
    bot = Bot(TOKEN, session=TelegramSession(telegram.url))
    async with aiohttp.ClientSession() as http:
        yield TelegramFiles({BOT_ID: bot}, http, again_after_s=[0.0] * (TRIES - 1))
    await bot.session.close()


@pytest.mark.parametrize(
    ("words", "status", "tries"),
    [
        pytest.param("Bad Request: invalid file_id", 404, 1, id="no-file-id"),
        pytest.param("Bad Request: wrong remote file identifier specified", 404, 1, id="unknown"),
        pytest.param("Bad Request: FILE_REFERENCE_EXPIRED", 404, 1, id="expired"),
        pytest.param("Bad Request: file is too big", 404, 1, id="too-big"),
        pytest.param(PASSING, 503, TRIES, id="perhaps-for-now"),
        pytest.param("Bad Request: temporarily unavailable", 503, TRIES, id="for-now"),
        pytest.param("Logged out", 502, TRIES, id="of-the-bot"),
        pytest.param("Bad Request", 502, TRIES, id="without-reason"),
        pytest.param("Bad Request: something new", 502, TRIES, id="in-new-words"),
    ],
)
async def test_only_what_is_gone_is_called_gone(telegram, files, words, status, tries):
    """A refusal that may pass is asked about again, and never ends as "not found"."""
    refusal = {"ok": False, "error_code": 400, "description": words}
    fault = telegram.faults.fail("getFile", status=400, body=refusal, times=None)
    with pytest.raises(FileError) as caught:
        await files.find(BOT_ID, "FILE")
    assert (caught.value.status, fault.hits) == (status, tries)


@pytest.mark.parametrize(
    ("api_url", "path", "address"),
    [
        pytest.param(
            "http://h:1", "photos/a.jpg", "http://h:1/file/bot7:A/photos/a.jpg", id="plain"
        ),
        pytest.param(
            "http://h:1/tg/", "a b.jpg", "http://h:1/tg/file/bot7:A/a%20b.jpg", id="path"
        ),
        pytest.param(
            "https://h", "d/a#b?c%20.pdf", "https://h/file/bot7:A/d/a%23b%3Fc%2520.pdf", id="odd"
        ),
        pytest.param(
            "https://h", "d/ü/😀", "https://h/file/bot7:A/d/%C3%BC/%F0%9F%98%80", id="letters"
        ),
        pytest.param("https://h", "d/../e", "https://h/file/bot7:A/d/../e", id="as-it-is"),
    ],
)
def test_a_path_is_put_into_an_address_letter_by_letter(api_url, path, address):
    """What is a name on the server's disk stays that name."""
    bot = Bot("7:A", session=TelegramSession(api_url))
    assert str(file_address(bot, path)) == address


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 500, 502])
async def test_a_page_in_place_of_an_answer_says_nothing_of_the_file(telegram, files, status):
    """Whatever its status, a proxy's page does not make a file be gone."""
    telegram.faults.html("getFile", status=status, times=None)
    with pytest.raises(FileError) as caught:
        await files.find(BOT_ID, "FILE")
    assert caught.value.status == 502


PAGE = b"<html>maintenance</html>"


@pytest.mark.parametrize(
    ("name", "content", "is_served"),
    [
        pytest.param("photo.jpg", b"x" * len(PAGE), True, id="a-picture"),
        pytest.param("page.html", PAGE, True, id="a-page-that-is-the-file"),
        pytest.param("page.html", PAGE + b"more", False, id="a-page-of-another-size"),
        pytest.param("photo.jpg", b"xyz", False, id="a-page-for-a-picture"),
    ],
)
async def test_a_page_in_place_of_a_file_is_no_file(telegram, files, name, content, is_served):
    """What is called a page is the file only where its size says so."""
    telegram.keeps_names = True
    found = await files.find(BOT_ID, telegram.add_file(content, name))
    telegram.faults.fail("file/", status=200, body=PAGE)
    if is_served:
        assert await files.read(found, limit_bytes=100) == PAGE
        return
    with pytest.raises(FileError) as caught:
        await files.read(found, limit_bytes=100)
    assert caught.value.status == 502


async def test_another_part_of_a_file_is_refused(telegram, files):
    """A server that sends other bytes than it was asked for is not believed."""
    found = await files.find(BOT_ID, telegram.add_file(b"0123456789", "f.bin"))
    other = {"Content-Range": "bytes 0-9/10", "Content-Type": "application/octet-stream"}
    telegram.faults.fail("file/", status=206, body=b"0123456789", headers=other)
    with pytest.raises(FileError):
        async with files.open(found, 5):
            raise AssertionError("it was opened")


async def test_a_path_that_no_disk_can_have_is_an_error_of_the_server(telegram, files):
    """A nonsensical place ends the download, not with a traceback."""
    place = {"file_id": "F", "file_unique_id": "u", "file_path": "/tmp/\x00"}
    telegram.faults.fail("getFile", status=200, body={"ok": True, "result": place})
    found = await files.find(BOT_ID, "F")
    with pytest.raises(FileError) as caught:
        await files.read(found, limit_bytes=1)
    assert caught.value.status == 502
