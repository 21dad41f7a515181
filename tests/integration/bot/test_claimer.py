"""What is due is claimed from a real database as far as schedule and gate allow."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.deliver.chances import Chance, Held
from bot.deliver.claimer import Claimer
from bot.deliver.clock_watch import ClockWatch
from bot.deliver.destination import Gate
from bot.deliver.recorder import Recorder
from bot.deliver.retries import Retries, Rules
from bot.deliver.schedule import IDLE_S, Schedule
from bot.queue.outcomes import RetryLater
from storage.database import Database
from storage.queue.direction import Direction
from storage.queue.producer import Draft

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLOW_DOWN = RetryLater("Telegram asks to slow down", code=905, text="Telegram asks to slow down.")


class Turnstile(Gate):
    """A gate that lets some chats wait, and may hold everything back."""

    def __init__(self):
        self.waits_s = {}
        self.held_s = 0.0
        self.begun = []

    def wait_s(self, item):
        return self.waits_s.get(item.conversation_id, 0.0)

    def holds(self, lane):
        return self.held_s > 0

    def held(self, item):
        return Held(self.held_s, SLOW_DOWN) if self.held_s else None

    def begin(self, item):
        self.begun.append(item.conversation_id)


class Sandbox:
    """A destination that nothing follows from."""

    name = "the sandbox"

    async def send(self, item):
        raise AssertionError("nothing is sent here")

    async def settle(self, tx, item, outcome):
        pass


@pytest.fixture
def clock():
    """The time, which the test moves."""
    return [NOON]


@pytest.fixture
async def database(tmp_path, clock):
    """An empty database."""
    async with Database.open(tmp_path / "bridge.sqlite3", now=lambda: clock[0]) as opened:
        yield opened


@pytest.fixture
def gate():
    """An open gate."""
    return Turnstile()


@pytest.fixture
def claimer(database, gate):
    """A claimer with six places, three of them for one lane."""
    retries = Retries(Rules(chance=Chance(held_s=0.0, open_s=0.0)), gate=gate)
    recorder = Recorder(database, Direction.OUTGOING, Sandbox(), retries, redact=lambda text: text)
    return Claimer(
        database,
        Direction.OUTGOING,
        schedule=Schedule(6, 3, gate=gate),
        recorder=recorder,
        retries=retries,
        gate=gate,
    )


@pytest.fixture
def enqueue(database):
    """Put an item for a chat into the queue."""

    async def act(chat_id, *, bot_id=700001, due_at=NOON):
        conversation_id = f"tg:{bot_id}:{chat_id}"
        async with database.transaction() as tx:
            await tx.to_telegram.add(
                Draft(
                    dedupe_key=f"message:{bot_id}:{chat_id}:{due_at}",
                    ordering_key=conversation_id,
                    conversation_id=conversation_id,
                    kind="manager_message",
                    payload="{}",
                ),
                now=NOON,
                expires_at=NOON + HOUR,
                not_before=due_at if due_at > NOON else None,
            )

    return act


def chats(items):
    """Return the chats of items."""
    return [item.conversation_id.rpartition(":")[2] for item in items]


async def test_one_lane_leaves_places_to_others(claimer, enqueue, gate):
    """A bot with much to do takes its share, and what begins is counted at the gate."""
    for chat_id in range(1, 6):
        await enqueue(chat_id)
    await enqueue(9, bot_id=700002)
    claimed = await claimer.claim()
    assert sorted(chats(claimed)) == ["1", "2", "3", "9"]
    assert sorted(gate.begun) == sorted(item.conversation_id for item in claimed)
    assert await claimer.claim() == []


async def test_what_has_ended_leaves_its_place_to_the_next(claimer, enqueue):
    """A place is free at once, and the loop is woken."""
    for chat_id in range(1, 5):
        await enqueue(chat_id)
    first, *_others = await claimer.claim()
    claimer.woken.clear()
    claimer.ended(first)
    assert claimer.woken.is_set()
    assert claimer.is_busy


async def test_what_would_come_too_soon_holds_no_place(claimer, enqueue, gate, database):
    """It waits in the queue, its attempt is taken back, and others of its lane go."""
    await enqueue(1)
    await enqueue(2)
    gate.waits_s["tg:700001:1"] = 30.0
    assert chats(await claimer.claim()) == ["2"]
    async with database.snapshot() as snapshot:
        waiting = await snapshot.to_telegram.by_dedupe_key(f"message:700001:1:{NOON}")
    assert (waiting.attempts, waiting.due_at) == (0, NOON + timedelta(seconds=30))


async def test_what_is_held_back_beyond_its_time_is_given_up(
    claimer, enqueue, gate, database, clock
):
    """The manager learns why while the bot must be silent, not hours later."""
    await enqueue(1)
    gate.held_s, gate.waits_s["tg:700001:1"] = 7200.0, 7200.0
    clock[0] += HOUR
    assert await claimer.claim() == []
    async with database.snapshot() as snapshot:
        ended = await snapshot.to_telegram.by_dedupe_key(f"message:700001:1:{NOON}")
    assert ended.state == "dead"
    assert ended.reason == "gave up: Telegram asks to slow down for 7200 s"


async def test_the_next_look_is_when_something_is_due(claimer, enqueue, clock):
    """An idle queue is looked at once a second, and sooner for what becomes due."""
    assert await claimer.claim() == []
    assert await claimer.idle_s() == IDLE_S
    await enqueue(1, due_at=NOON + timedelta(milliseconds=250))
    assert await claimer.idle_s() == 0.25


@pytest.mark.parametrize("jump", [HOUR * 48, -HOUR * 48])
async def test_both_queues_follow_a_clock_that_is_moved(database, clock, enqueue, jump):
    """One watch is enough: nothing is given up early, and nothing waits for days."""
    watch = ClockWatch(database)
    await watch.look()
    await enqueue(1)
    async with database.transaction() as tx:
        await tx.to_kommo.add(
            Draft(
                dedupe_key="message:k",
                ordering_key="k",
                conversation_id="k",
                kind="new_message",
                payload="{}",
            ),
            now=NOON,
            expires_at=NOON + HOUR,
            not_before=NOON + HOUR / 2,
        )
    clock[0] += jump
    await watch.look()
    async with database.snapshot() as snapshot:
        outgoing = await snapshot.to_telegram.by_dedupe_key(f"message:700001:1:{NOON}")
        incoming = await snapshot.to_kommo.by_dedupe_key("message:k")
    if jump > timedelta():
        ends = {one.expires_at.replace(microsecond=0) for one in (outgoing, incoming)}
        assert ends <= {NOON + HOUR + jump, NOON + HOUR + jump - timedelta(seconds=1)}
    else:
        assert incoming.due_at <= clock[0] + HOUR / 2
