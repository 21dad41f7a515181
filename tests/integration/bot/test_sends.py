"""Calls wait for their turns, with and without files, and are over at the right time."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import SendDocument, SendMessage

from bot.deliver.telegram import sends as module
from bot.deliver.telegram.clearance import Clearance
from bot.deliver.telegram.errors import UnsentError
from bot.deliver.telegram.journal import Journal, Step
from bot.deliver.telegram.sends import Sends
from bot.deliver.telegram.stagger import StoppedError
from bot.deliver.telegram.uploads import ReadyCall, SpooledFile
from bot.http.telegram_session import TelegramSession
from sandbox.telegram.server import TelegramServer
from storage.database import Database
from storage.queue.producer import Draft

ANN, BOB, CAT = 555, 556, 557
TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOLD_S = 0.6


@pytest.fixture
async def telegram():
    """The sandbox's Telegram, where three clients have written."""
    async with TelegramServer.start() as server:
        server.add_bot(TOKEN, name="Sales", username="sales_bot")
        for client in (ANN, BOB, CAT):
            server.client_says("hi", chat_id=client)
        yield server


@pytest.fixture
async def bot(telegram):
    """The bot."""
    session = TelegramSession(telegram.url)
    yield Bot(TOKEN, session=session)
    await session.close()


@pytest.fixture
async def database(tmp_path):
    """An empty database."""
    async with Database.open(tmp_path / "bridge.sqlite3") as opened:
        yield opened


@pytest.fixture
async def sends(bot, database, tmp_path):
    """What makes the calls."""
    async with Journal.open(tmp_path / "bridge.sqlite3-sends") as journal:
        clearance = Clearance([bot.id], database, journal, hold_s=HOLD_S)
        yield Sends(database, journal, clearance)


@pytest.fixture
def begin(bot, sends, database):
    """Begin to send something to a client; returns the task."""

    async def act(client, call=None):
        async with database.transaction() as tx:
            await tx.to_telegram.add(
                Draft(
                    dedupe_key=f"hook:{client}:{id(call)}",
                    ordering_key=f"tg:700001:{client}",
                    conversation_id=f"tg:700001:{client}",
                    kind="manager_message",
                    payload="{}",
                ),
                now=NOON,
                expires_at=NOON + timedelta(hours=1),
            )
            (item,) = await tx.to_telegram.take(now=NOON, limit=1)
        ready = ReadyCall(call or SendMessage(chat_id=client, text="hello"))

        async def send():
            try:
                return await sends.make(bot, ready, item, Step.of(item), lambda _sent: None)
            finally:
                async with database.transaction() as tx:
                    await tx.to_telegram.finish(item.id, now=NOON)
                sends.recorded(item)

        return asyncio.create_task(send())

    return act


@pytest.fixture
def document():
    """Return a call with a file."""
    with tempfile.TemporaryFile() as file:
        file.write(b"%PDF" * 50_000)
        file.flush()
        yield lambda client: SendDocument(
            chat_id=client, document=SpooledFile(file, "plan.pdf"), parse_mode=None
        )


async def until(is_true):
    """Wait until something is true, but not for ever."""
    async with asyncio.timeout(10):
        while not is_true():  # noqa: ASYNC110 - a server saw it
            await asyncio.sleep(0.01)


async def seconds(task):
    """Return how long something takes."""
    began = asyncio.get_running_loop().time()
    await task
    return asyncio.get_running_loop().time() - began


async def test_a_chat_whose_calls_hang_delays_the_others_once(telegram, begin):
    """After a call that was never answered, the next one to that chat waits in vain alone."""
    telegram.faults.hang("sendMessage", chat_id=ANN, times=None)
    first = await begin(ANN)
    assert await seconds(await begin(BOB)) > HOLD_S / 2
    telegram.is_down = True
    with pytest.raises(TelegramNetworkError):
        await first
    telegram.is_down = False
    second = await begin(ANN, SendMessage(chat_id=ANN, text="once more"))
    await asyncio.sleep(0.05)
    assert await seconds(await begin(CAT)) < HOLD_S / 2
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_the_time_of_an_upload_stands_still_while_it_waits(
    telegram, begin, document, monkeypatch
):
    """Its turn comes later than its time would have been over."""
    monkeypatch.setattr(module, "CALL_S", HOLD_S / 2)
    held = telegram.faults.hang("sendMessage", chat_id=ANN)
    first = await begin(ANN)
    await until(lambda: held.hits == 1)
    await (await begin(BOB, document(BOB)))
    assert not first.done()
    assert [sent.method for sent in telegram.sent_to(BOB)] == ["sendDocument"]
    held.release()
    await first


async def test_an_upload_that_waits_when_the_service_stops_is_not_begun(
    telegram, sends, begin, document
):
    """It ends at once, and Telegram never has its last bytes; what is in flight goes on."""
    held = telegram.faults.hang("sendMessage", chat_id=ANN)
    first = await begin(ANN)
    await until(lambda: held.hits == 1)
    upload, text = await begin(BOB, document(BOB)), await begin(CAT)
    await asyncio.sleep(0.1)
    sends.stop()
    for task in (upload, text):
        with pytest.raises(StoppedError):
            await task
    held.release()
    await first
    assert [len(telegram.sent_to(client)) for client in (ANN, BOB, CAT)] == [1, 0, 0]


async def test_an_upload_that_is_cut_off_before_its_end_was_not_sent(telegram, begin, document):
    """The connection breaks while it waits for its turn: there is no doubt."""
    held = telegram.faults.hang("sendMessage", chat_id=ANN)
    first = await begin(ANN)
    await until(lambda: held.hits == 1)
    upload = await begin(BOB, document(BOB))
    await asyncio.sleep(0.1)
    telegram.is_down = True
    with pytest.raises(UnsentError):
        await upload
    with pytest.raises(TelegramNetworkError):
        await first
