"""One is one: what people read has the right number."""

import pytest

from bot.operate.operators.alerts import alerts_in
from bot.operate.status.machine import LEAST_FREE_BYTES
from bot.operate.status.state import QueueState
from bot.words import counted
from storage.queue.direction import Direction
from tests.unit.bot.test_operators import IDLE, state


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 items"), (1, "1 item"), (2, "2 items"), (21, "21 items")]
)
def test_a_number_of_things(number, words):
    """Only one is singular."""
    assert counted(number, "item") == words


@pytest.mark.parametrize(("number", "words"), [(1, "1 waits, the"), (2, "2 wait, the")])
def test_one_that_is_stuck_waits(number, words):
    """The verb follows the number."""
    stuck = state(queues=(IDLE, QueueState(Direction.OUTGOING, number, 0, 5000.0)))
    (alert,) = alerts_in(stuck, free_bytes=LEAST_FREE_BYTES)
    assert words in alert.text
