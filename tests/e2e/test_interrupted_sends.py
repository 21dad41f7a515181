"""Stops at the worst moments: a stalled database, a slow Telegram, the middle of an upload."""

import asyncio
import contextlib
import socket
import sqlite3
from collections import Counter

import pytest

ANN, BOB = 555, 556
CONVERSATION = "tg:700001:555"
CLIENTS = range(601, 631)
DOUBT = "a possible duplicate"

pytestmark = pytest.mark.no_cover  # the bridge is a process of its own; counting costs time


@pytest.fixture
def database(config):
    """Where the database is; the settings hold nobody back."""
    text = config.read_text(encoding="utf-8")
    rates = "[telegram]\nmessages_per_s = 0\nchat_messages_per_s = 0\n"
    config.write_text(text.replace("[telegram]\n", rates), encoding="utf-8")
    return config.parent / "kommo-telegram.sqlite3"


@pytest.fixture
def meet(process, database, telegram, kommo, eventually):
    """Start the bridge, and let clients write, so that a manager can answer."""

    async def act(clients):
        await process.start()
        for client in clients:
            telegram.client_says("hi", chat_id=client, name=f"Client {client}")
        await eventually(lambda: len(kommo.conversations) == len(clients))

    return act


@pytest.fixture
def answer_all(kommo):
    """Let a manager answer all clients, each with a text of their own."""

    async def act(clients):
        for client in clients:
            await kommo.manager_says(f"for {client}", to=f"tg:700001:{client}")

    return act


def taken(telegram, clients):
    """Return how often each client's answer was taken."""
    return Counter(text for client in clients for text in telegram.texts_to(client))


def repeated(telegram, clients):
    """Return how many answers were taken more than once."""
    return sum(count - 1 for count in taken(telegram, clients).values())


@contextlib.contextmanager
def stalled(database):
    """Hold the database's lock, as another program may."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def claimed(database):
    """Return how many answers the bridge has taken on."""
    with contextlib.closing(sqlite3.connect(database)) as reader:
        question = "SELECT count(*) FROM inbox WHERE started_at IS NOT NULL"
        return reader.execute(question).fetchone()[0]


async def test_a_kill_while_the_database_is_stalled_repeats_one_answer_at_most(
    meet, process, database, telegram, answer_all, eventually
):
    """While nothing can be recorded, nothing begins that a kill could repeat."""
    await meet(CLIENTS)
    held = telegram.faults.hang("sendMessage")
    await answer_all(CLIENTS)
    await eventually(lambda: claimed(database) == len(CLIENTS))
    with stalled(database):
        held.release()
        await eventually(lambda: taken(telegram, CLIENTS).total() >= 8)
        await asyncio.sleep(0.8)
        assert taken(telegram, CLIENTS).total() < 12
        await process.kill()
    await process.start()
    await eventually(lambda: len(taken(telegram, CLIENTS)) == len(CLIENTS))
    assert repeated(telegram, CLIENTS) <= 1


async def test_a_kill_while_telegram_is_slow_repeats_one_answer_and_doubts_one(
    meet, process, database, telegram, answer_all, eventually
):
    """What only waited for its turn is sent without a word; what was begun is called uncertain."""
    clients = CLIENTS[:20]
    await meet(clients)
    slow = telegram.faults.hang("sendMessage", seconds=8, after_processing=True, times=None)
    await answer_all(clients)
    await eventually(lambda: claimed(database) == len(clients))
    await asyncio.sleep(1)
    await process.kill()
    telegram.faults.remove(slow)
    await process.start()
    await eventually(lambda: len(taken(telegram, clients)) == len(clients))
    await asyncio.sleep(0.1)
    assert repeated(telegram, clients) == 1
    assert process.log.read_text(encoding="utf-8").count(DOUBT) == 1


async def test_a_stop_begins_nothing_and_ends_what_is_in_flight(
    meet, process, database, telegram, answer_all, eventually
):
    """SIGTERM while Telegram is slow: what is in flight is recorded, the rest is for later."""
    clients = CLIENTS[:20]
    await meet(clients)
    slow = telegram.faults.hang("sendMessage", seconds=2.5, after_processing=True, times=None)
    await answer_all(clients)
    await eventually(lambda: slow.hits == 1 and claimed(database) == len(clients))
    assert await process.terminate() == 0
    assert slow.hits == 1
    telegram.faults.remove(slow)
    assert claimed(database) == 0
    await process.start()
    await eventually(lambda: len(taken(telegram, clients)) == len(clients))
    assert repeated(telegram, clients) == 0
    assert DOUBT not in process.log.read_text(encoding="utf-8")


class Narrow:
    """A way to a server on which big requests come to a halt until it is widened."""

    LET_THROUGH = 1 << 17

    def __init__(self, port):
        self._target = port
        self.is_full = asyncio.Event()
        self.is_wide = asyncio.Event()
        self._tasks = set()

    @contextlib.asynccontextmanager
    async def open(self):
        """Listen; yields the port."""
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        server = await asyncio.start_server(self._serve, sock=listening, limit=1 << 15)
        try:
            yield listening.getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._target)
        back = asyncio.create_task(self._pass_on(there_reader, writer, limit=None))
        self._tasks.add(back)
        await self._pass_on(reader, there, limit=self.LET_THROUGH)
        await back

    async def _pass_on(self, reader, writer, limit):
        passed = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 14):
                passed += len(data)
                if limit and passed > limit:
                    self.is_full.set()
                    await self.is_wide.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
async def narrow(telegram, config):
    """A narrow way to Telegram, which the bridge takes."""
    way = Narrow(int(telegram.url.rpartition(":")[2]))
    async with way.open() as port:
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace(telegram.url, f"http://127.0.0.1:{port}"), encoding="utf-8")
        yield way


async def test_a_kill_in_the_middle_of_an_upload_leaves_no_doubt(
    narrow, meet, process, telegram, kommo, eventually
):
    """Texts do not wait for the upload; without its end the file is not sent, and then once."""
    await meet((ANN, BOB))
    link = kommo.add_attachment(b"%PDF" * (3 << 20), "plan.pdf")  # no buffer holds it
    await kommo.manager_sends(type="file", media=link, to=CONVERSATION)
    await narrow.is_full.wait()
    message_id = await kommo.manager_says("Good morning", to=f"tg:700001:{BOB}")
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    await process.kill()
    narrow.is_wide.set()
    await process.start()
    await eventually(lambda: len(telegram.sent_to(ANN)) == 1)
    assert telegram.sent_to(ANN)[0].files["document"].name == "plan.pdf"
    await eventually(lambda: "delivered to Telegram" in process.log.read_text(encoding="utf-8"))
    assert DOUBT not in process.log.read_text(encoding="utf-8")
