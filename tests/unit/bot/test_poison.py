"""An item is poison when it fails again and again while others like it are delivered."""

import dataclasses

import pytest

from bot.deliver.poison import Poison, Suspects
from tests.unit.bot.test_chances import ITEM, Clock

POISON = Poison(failures=3, over_s=10.0)
BAD = dataclasses.replace(ITEM, id=13)
OTHER = dataclasses.replace(ITEM, id=14, conversation_id="tg:1:8", ordering_key="tg:1:8")
OF_ANOTHER_BOT = dataclasses.replace(OTHER, conversation_id="tg:2:8")
OF_ANOTHER_KIND = dataclasses.replace(OTHER, kind="manager_reaction")


@pytest.mark.parametrize(
    ("between", "gap_s", "failures"),
    [
        pytest.param([OTHER], 5, 3, id="others-are-delivered"),
        pytest.param([OTHER] * 5, 5, 3, id="many-others"),
        pytest.param([OTHER], 1, 11, id="not-before-some-time"),
        pytest.param([OTHER], 20, 3, id="not-before-some-failures"),
        pytest.param([], 5, None, id="nobody-is-delivered"),
        pytest.param([OF_ANOTHER_BOT], 5, None, id="another-bot"),
        pytest.param([OF_ANOTHER_KIND], 5, None, id="another-kind"),
    ],
)
def test_only_what_fails_among_successes_is_poison(between, gap_s, failures):
    """An outage, of the other side or of one bot, makes nothing poison."""
    clock = Clock()
    suspects, given_up_at = Suspects(POISON, now_s=clock), None
    for number in range(1, 20):
        if suspects.failed(BAD):
            given_up_at = number
            break
        for other in between:
            suspects.delivered(other)
        clock.now_s += gap_s
    assert given_up_at == failures


def test_the_end_of_an_outage_makes_nothing_poison():
    """Failures of a time in which nothing was delivered count once, however many they were."""
    clock = Clock()
    suspects = Suspects(POISON, now_s=clock)
    for _ in range(50):
        assert not suspects.failed(BAD)
        clock.now_s += 60
    suspects.delivered(OTHER)
    assert not suspects.failed(BAD)
    suspects.delivered(OTHER)
    assert suspects.failed(BAD)
