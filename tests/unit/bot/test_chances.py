"""When an item is given up: its time is over, and it had its chance."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from bot.deliver.chances import LOOK_AGAIN_S, Chance, Chances, Held, look_after_s
from bot.queue.outcomes import RetryLater
from storage.queue.reader import QueueItem

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATE = NOON + HOUR
CHANCE = Chance(tries=3, tried_s=10.0, held_s=60.0, open_s=300.0)

ITEM = QueueItem(
    id=1,
    dedupe_key="one",
    ordering_key="tg:1:7",
    conversation_id="tg:1:7",
    kind="manager_message",
    payload="{}",
    state="pending",
    created_at=NOON,
    due_at=None,
    expires_at=LATE,
    started_at=NOON,
    attempts=1,
    progress=0,
    is_uncertain=False,
    reason=None,
    finished_at=None,
)


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def chances(clock):
    """The chances of a start at the clock's time."""
    return Chances(CHANCE, now_s=clock)


@pytest.mark.parametrize(
    ("at_s", "now", "is_over"),
    [
        pytest.param([0, 1, 20], LATE - timedelta(seconds=1), False, id="in-time"),
        pytest.param([0], LATE + HOUR, False, id="first-failure"),
        pytest.param([0, 20], LATE, False, id="too-few"),
        pytest.param([0, 1, 9], LATE, False, id="too-soon"),
        pytest.param([0, 1, 10], LATE, True, id="tried-in-earnest"),
        pytest.param([0, 1, 2, 3, 4, 5, 6], LATE, False, id="many-at-once"),
    ],
)
def test_an_item_is_tried_in_earnest(chances, clock, at_s, now, is_over):
    """The end of its time alone ends nothing."""
    began = clock.now_s
    for one in at_s:
        clock.now_s = began + one
        chances.failed(ITEM)
    assert chances.is_over(ITEM, now=now) is is_over


def test_after_a_pause_the_chances_begin_anew(chances, clock):
    """What failed before counts for nothing then, nor does what is over."""
    for _ in range(3):
        chances.failed(ITEM)
        clock.now_s += 10
    assert chances.is_over(ITEM, now=LATE)
    chances.begin_anew()
    chances.failed(ITEM)
    assert not chances.is_over(ITEM, now=LATE)


def test_a_short_lifetime_is_a_short_chance(chances, clock):
    """Who sets a patience of a second waits for three attempts, not for ten seconds."""
    brief = dataclasses.replace(ITEM, expires_at=NOON + timedelta(seconds=1))
    for _ in range(3):
        chances.failed(brief)
        clock.now_s += 0.5
    assert chances.is_over(brief, now=LATE)


@pytest.mark.parametrize(
    ("span_s", "open_s", "lifetime", "now", "is_over"),
    [
        pytest.param(600, 3600, HOUR, LATE, True, id="long-flood"),
        pytest.param(600, 3600, HOUR, LATE - timedelta(seconds=1), False, id="in-time"),
        pytest.param(3, 3600, HOUR, LATE, False, id="short-flood"),
        pytest.param(600, 10, HOUR, LATE, False, id="just-started"),
        pytest.param(600, 10, timedelta(seconds=6), LATE, True, id="short-patience"),
    ],
)
def test_what_is_held_back_is_given_up_in_time(
    chances, clock, span_s, open_s, lifetime, now, is_over
):
    """A long flood ends what was never tried; a short one, or a start, does not."""
    clock.now_s += open_s
    item = dataclasses.replace(ITEM, expires_at=ITEM.created_at + lifetime)
    held = Held(span_s, RetryLater("slow down"))
    assert chances.is_over_untried(item, held, now=now) is is_over


@pytest.mark.parametrize(
    ("wait_s", "left_s", "after_s"),
    [(3, 60, 3), (600, 60, 60), (600, 0, LOOK_AGAIN_S), (600, -60, LOOK_AGAIN_S), (2, -60, 2)],
)
def test_what_is_held_back_is_looked_at_in_time(wait_s, left_s, after_s):
    """No later than when its time is over, and then now and again."""
    now = LATE - timedelta(seconds=left_s)
    assert look_after_s(ITEM, wait_s, now=now) == after_s
