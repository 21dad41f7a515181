"""How long the bridge waits between attempts."""

import math

import pytest

from bot.queue.outcomes import LONGEST_ASKED_S, RetryPolicy

POLICY = RetryPolicy(first_s=1.0, factor=2.0, longest_s=60.0, jitter=0.25)


@pytest.mark.parametrize(
    ("attempt", "pause_s"),
    [
        pytest.param(1, 1.0, id="first"),
        pytest.param(2, 2.0, id="second"),
        pytest.param(6, 32.0, id="sixth"),
        pytest.param(7, 60.0, id="longest"),
        pytest.param(100_000, 60.0, id="beyond-what-a-float-holds"),
    ],
)
def test_pauses_grow_up_to_the_longest(attempt, pause_s):
    """A destination that stays down is asked less and less often, but never forgotten."""
    assert POLICY.delay_s(attempt, None, 0.0) == pause_s


@pytest.mark.parametrize(
    ("after_s", "pause_s"),
    [
        pytest.param(30.0, 30.0, id="longer-than-ours"),
        pytest.param(0.1, 1.0, id="shorter-than-ours"),
        pytest.param(500.0, 500.0, id="longer-than-our-longest"),
        pytest.param(-5.0, 1.0, id="negative"),
        pytest.param(1e300, LONGEST_ASKED_S, id="absurd"),
        pytest.param(math.inf, LONGEST_ASKED_S, id="infinite"),
        pytest.param(math.nan, 1.0, id="no-number"),
    ],
)
def test_a_wait_that_was_asked_for_is_kept(after_s, pause_s):
    """The bridge never comes back earlier than the other side asked."""
    assert POLICY.delay_s(1, after_s, 0.0) == pause_s


def test_jitter_only_adds():
    """Items that failed together come back spread out, and none of them too early."""
    assert POLICY.delay_s(1, 30.0, 1.0) == 37.5
    assert POLICY.delay_s(3, None, 0.5) == 4.5
