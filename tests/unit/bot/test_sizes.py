"""Which files are too big: told by what is known, asked beside, and never waited for for long."""

import asyncio

import pytest

from bot.background import Background
from bot.deliver.kommo.sizes import KNOWN_FOR_S, PATIENCE_S, NotAskedYetError, Sizes
from bot.media.file_errors import BAD_GATEWAY, FileError, FileRefusedError
from bot.translate.files import BotFile, TelegramFile

LIMIT = 20 << 20
BOT = 700001


def link(size, file_id="F"):
    """A file of this size."""
    return BotFile(BOT, TelegramFile(file_id, "", "film.mp4", "video/mp4", size))


class Server:
    """Telegram's server: gives what a test says."""

    def __init__(self):
        self.answer = None
        self.asked = []

    async def is_given(self, bot_id, file_id):
        self.asked.append(file_id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Clock:
    """A clock that a test moves."""

    at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def server():
    """A server."""
    return Server()


@pytest.fixture
def clock():
    """A clock."""
    return Clock()


@pytest.fixture
async def make(server, clock):
    """Make what is tested."""
    async with Background(4) as background:
        yield lambda *, is_cloud=False: Sizes(
            server.is_given, background, is_cloud=is_cloud, now_s=clock
        )


async def asked(sizes, *links):
    """Return what is known of files after the server was asked about them."""
    for one in links:
        with pytest.raises(NotAskedYetError):
            sizes.is_too_big(one)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return [sizes.is_too_big(one) for one in links]


@pytest.mark.parametrize(
    ("size", "is_cloud", "expected"),
    [
        pytest.param(1, False, False, id="small"),
        pytest.param(LIMIT, False, False, id="at-the-limit"),
        pytest.param(LIMIT, True, False, id="at-the-clouds-limit"),
        pytest.param(LIMIT + 1, True, True, id="beyond-the-clouds"),
    ],
)
async def test_what_the_size_tells_is_not_asked(make, server, size, is_cloud, expected):
    """The cloud's limit is known, and so is what is below it."""
    assert make(is_cloud=is_cloud).is_too_big(link(size)) is expected
    assert server.asked == []


@pytest.mark.parametrize("is_given", [True, False])
async def test_a_servers_kind_is_found_out_once(make, server, clock, is_given):
    """One big file shows whether a server gives them; it is asked again after a while."""
    sizes, server.answer = make(), is_given
    assert await asked(sizes, link(LIMIT + 1, "A")) == [not is_given]
    assert sizes.is_too_big(link(LIMIT + 1, "B")) is not is_given
    clock.at += KNOWN_FOR_S
    assert await asked(sizes, link(LIMIT + 1, "C")) == [not is_given]
    assert server.asked == ["A", "C"]


async def test_a_file_of_unknown_size_is_asked_for_itself(make, server):
    """It says nothing of the server; the cloud is asked as well."""
    sizes, server.answer = make(is_cloud=True), False
    assert await asked(sizes, link(None, "A"), link(None, "B")) == [True, True]


async def test_who_gives_no_answer_yet_is_still_fetching(make, server):
    """What a server has no answer for in time is a link; the next file is asked for again."""
    sizes = make()
    assert await asked(sizes, link(LIMIT + 1, "A"), link(LIMIT + 1, "B")) == [False, False]


async def test_a_revoked_bot_is_asked_once(make, server):
    """Who gets nothing at all learns nothing of sizes."""
    sizes, server.answer = make(), FileRefusedError(BAD_GATEWAY, "revoked")
    assert await asked(sizes, link(LIMIT + 1)) == [False]


async def test_errors_are_tried_again_for_a_while(make, server, clock):
    """A server in trouble is asked again; what waits goes as a link in the end."""
    sizes, server.answer = make(), FileError(BAD_GATEWAY, "down")
    for clock.at in (0.0, 1.0, PATIENCE_S - 1):
        with pytest.raises(NotAskedYetError) as caught:
            sizes.is_too_big(link(LIMIT + 1))
        assert 0 < caught.value.after_s <= 1
        await asyncio.sleep(0.01)
    assert len(server.asked) == 3
    clock.at = PATIENCE_S
    assert sizes.is_too_big(link(LIMIT + 1)) is False
