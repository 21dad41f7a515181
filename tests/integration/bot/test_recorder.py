"""What an attempt comes to is stored as one commit, on a real database."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from bot.deliver.poison import Poison
from bot.deliver.recorder import Recorder
from bot.deliver.retries import Retries, Rules
from bot.queue.outcomes import (
    FAILS_ALONE,
    Delivered,
    NotYet,
    RetryLater,
    RetryPolicy,
    Undeliverable,
)
from storage.database import Database
from storage.queue.direction import Direction
from storage.queue.producer import Draft

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SECRET = "FAKE-SECRET-FOR-TESTS-ONLY"
SETTLED = "settled"


class Sandbox:
    """A destination that keeps what it settles in the same transaction."""

    name = "the sandbox"

    async def send(self, item):
        raise AssertionError("nothing is sent here")

    async def settle(self, tx, item, outcome):
        await tx.facts.put(SETTLED, type(outcome).__name__)
        if item.payload == "a bug":
            raise ZeroDivisionError


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
def observed():
    """What was counted: outcome, seconds that it took, age in seconds."""
    return []


@pytest.fixture
def recorder(database, observed):
    """A recorder with pauses of ten seconds."""

    def observe(_item, outcome, *, took_s, age_s):
        observed.append((type(outcome).__name__, took_s, age_s))

    rules = Rules(RetryPolicy(first_s=10, factor=1, jitter=0), poison=Poison(2, over_s=0))
    return Recorder(
        database,
        Direction.OUTGOING,
        Sandbox(),
        Retries(rules),
        redact=lambda text: text.replace(SECRET, "***"),
        observe=observe,
    )


@pytest.fixture
def claim(database, clock):
    """Return an item that is in flight, a new one or one that is due again."""

    async def act(payload="{}", number=1):
        async with database.transaction() as tx:
            await tx.to_telegram.add(
                Draft(
                    dedupe_key=f"message:{number}",
                    ordering_key=f"tg:700001:{number}",
                    conversation_id=f"tg:700001:{number}",
                    kind="manager_message",
                    payload=payload,
                ),
                now=NOON,
                expires_at=NOON + timedelta(hours=1),
            )
            return (await tx.to_telegram.take(now=clock[0], limit=1))[0]

    return act


async def kept(database, item):
    """Return an item as it is stored, what was settled, and its failed attempts."""
    async with database.snapshot() as snapshot:
        stored = await snapshot.to_telegram.get(item.id)
        settled = await snapshot.facts.get(SETTLED)
        attempts = await snapshot.attempts.of_item(Direction.OUTGOING, item.id)
    return stored, settled, [(one.outcome, one.took_ms, one.reason) for one in attempts]


async def test_a_delivery_is_settled_in_the_commit_that_ends_it(
    recorder, claim, database, observed
):
    """What was delivered is done, with what follows; of the attempt no row is kept."""
    item = await claim()
    await recorder.record(item, Delivered(), took_s=0.5)
    stored, settled, attempts = await kept(database, item)
    assert (stored.state, settled, attempts) == ("done", "Delivered", [])
    assert observed == [("Delivered", 0.5, 0.0)]


async def test_a_refusal_is_kept_without_its_secret(recorder, claim, database, caplog):
    """A dead item says why, in the database and in the log, and neither holds a secret."""
    item = await claim()
    await recorder.record(item, Undeliverable(f"refused {SECRET}"), took_s=0.25)
    stored, settled, attempts = await kept(database, item)
    assert (stored.state, stored.reason, settled) == ("dead", "refused ***", "Undeliverable")
    assert attempts == [("undeliverable", 250, "refused ***")]
    assert SECRET not in caplog.text


async def test_a_failure_is_put_back_for_its_pause(recorder, claim, database):
    """The next attempt comes after the policy's pause, and knows that this one is uncertain."""
    item = await claim()
    await recorder.record(item, RetryLater("down", is_uncertain=True), took_s=0.0)
    stored, settled, attempts = await kept(database, item)
    assert (stored.state, stored.due_at) == ("pending", NOON + timedelta(seconds=10))
    assert stored.is_uncertain
    assert settled is None
    assert attempts == [("retry_later", 0, "down")]


async def test_what_was_not_tried_counts_no_attempt(recorder, claim, database, observed):
    """An attempt that had to wait is taken back."""
    item = await claim()
    await recorder.record(item, NotYet(3.0), took_s=0.0)
    stored, _settled, attempts = await kept(database, item)
    assert (stored.attempts, stored.due_at) == (0, NOON + timedelta(seconds=3))
    assert (attempts, observed) == ([], [])


async def test_what_fails_alone_is_given_up(recorder, claim, database, clock):
    """An item that fails again while others are delivered ends with a reason that says so."""
    for number in (1, 2):
        item = await claim()
        await recorder.record(item, RetryLater("no", is_suspect=True), took_s=0.0)
        other = await claim(number=10 + number)
        await recorder.record(other, Delivered(), took_s=0.0)
        clock[0] += timedelta(seconds=30)
    stored, _settled, _attempts = await kept(database, item)
    assert (stored.state, stored.reason) == ("dead", f"{FAILS_ALONE}: no")


async def test_a_bug_in_what_follows_costs_only_that(recorder, claim, database, caplog):
    """What was delivered is not sent again because something failed afterwards."""
    caplog.set_level(logging.ERROR)
    item = await claim("a bug")
    await recorder.record(item, Delivered(), took_s=0.0)
    stored, settled, _attempts = await kept(database, item)
    assert (stored.state, settled) == ("done", None)
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]
