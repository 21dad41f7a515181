"""The order of what happened to a message: causes first, then moments."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.operate.steps import Step, in_order

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(seconds):
    """Return a moment after noon."""
    return NOON + timedelta(seconds=seconds)


def step(name, seconds, **details):
    """Return a step."""
    return Step(at(seconds), name, name, details)


def failed(seconds, outcome="retry_later"):
    """Return an attempt that failed."""
    return step("attempt", seconds, outcome=outcome)


def delivered(seconds):
    """Return what ends an item that was delivered."""
    return [step("attempt", seconds, outcome="delivered"), step("sent", seconds)]


RECEIVED = [step("written", 0.1), step("received", 0.4), step("stored", 0.4)]
STATUS = [step("status", 1.0, status=1)]
READ = [step("status", 9.0, status=2)]
FAILED = [step("status", 0.9, status=-1)]


def names(steps):
    """Return the steps' names; a failed attempt is another thing than one that delivered."""
    return [
        "failed" if one.step == "attempt" and one.details["outcome"] != "delivered" else one.step
        for one in steps
    ]


BEGIN = ["written", "received", "stored"]


@pytest.mark.parametrize(
    ("own", "parts", "statuses", "order"),
    [
        pytest.param(
            [*RECEIVED, *delivered(0.9)],
            [step("part", 0)],
            [STATUS, READ],
            [*BEGIN, "part", "attempt", "sent", "status", "status"],
            id="whole-seconds",
        ),
        pytest.param(
            [*RECEIVED, failed(0.5), *delivered(1.9)],
            [step("part", 1), step("part", 1)],
            [STATUS],
            [*BEGIN, "failed", "part", "part", "attempt", "sent", "status"],
            id="after-a-failure",
        ),
        pytest.param(
            [*RECEIVED, failed(0.5), failed(3.0), *delivered(7.2)],
            [step("part", 0), step("part", 7)],
            [],
            [*BEGIN, "failed", "part", "failed", "part", "attempt", "sent"],
            id="a-part-an-attempt",
        ),
        pytest.param(
            [*RECEIVED, *delivered(0.9)],
            [step("part", 300)],
            [STATUS],
            [*BEGIN, "part", "attempt", "sent", "status"],
            id="telegrams-clock-is-ahead",
        ),
        pytest.param(
            [*RECEIVED, failed(0.5), *delivered(0.9)],
            [step("part", -300)],
            [STATUS],
            [*BEGIN, "failed", "part", "attempt", "sent", "status"],
            id="telegrams-clock-is-behind",
        ),
        pytest.param(
            [step("written", 60), *RECEIVED[1:], *delivered(0.9)],
            [],
            [STATUS],
            [*BEGIN, "attempt", "sent", "status"],
            id="kommos-clock-is-ahead",
        ),
        pytest.param(
            [*RECEIVED, failed(0.5), failed(-3600), *delivered(-3599)],
            [],
            [[step("status", -3599, status=1)]],
            [*BEGIN, "failed", "failed", "attempt", "sent", "status"],
            id="our-clock-was-set-back",
        ),
        pytest.param(
            [*RECEIVED, failed(0.8, "undeliverable"), *delivered(60)],
            [step("part", 59)],
            [[step("status", 61, status=1)], FAILED],
            [*BEGIN, "failed", "status", "part", "attempt", "sent", "status"],
            id="delivered-after-an-error-was-reported",
        ),
        pytest.param(
            [*RECEIVED, failed(0.5), step("waits", 0.6)],
            [step("part", 0)],
            [],
            [*BEGIN, "failed", "part", "waits"],
            id="what-waits-is-last",
        ),
        pytest.param(
            [*RECEIVED, failed(0.5, "undeliverable"), step("dead", 0.9)],
            [step("part", 0)],
            [FAILED],
            [*BEGIN, "failed", "part", "dead", "status"],
            id="dead-in-the-middle",
        ),
        pytest.param(
            [], [step("part", 2)], [STATUS], ["part", "status"], id="its-item-is-no-longer-kept"
        ),
    ],
)
def test_causes_come_before_what_they_cause(own, parts, statuses, order):
    """Whatever three clocks say, and however coarse they are."""
    assert names(in_order(own, parts, statuses)) == order


def test_a_moment_is_moved_only_within_its_second():
    """What Telegram dates 12:00:00 may have been at 12:00:00.4, but not a minute later."""
    own = [*RECEIVED, *delivered(0.9)]
    near, far = (in_order(own, [step("part", seconds)], [])[3] for seconds in (0, -60))
    assert (near.step, near.at) == ("part", at(0.4))
    assert (far.step, far.at) == ("part", at(-60))
