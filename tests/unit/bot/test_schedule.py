"""Which lane may begin how much: the lanes in turn, none takes all places, a closed one waits."""

import pytest

from bot.deliver.destination import Gate
from bot.deliver.fairness import Room
from bot.deliver.schedule import IDLE_S, REFILL_S, Schedule


class Closed(Gate):
    """A gate that is closed for one lane."""

    def __init__(self, lane, opens_in_s):
        self._closed, self._opens_in_s = lane, opens_in_s

    def room(self, lane):
        return Room(lane, 0, self._opens_in_s) if lane == self._closed else Room(lane)


def begin(schedule, due, time_s):
    """Let everything begin that may; return how many of each lane."""
    dealt = schedule.deal(due, time_s=time_s)
    for lane, count in dealt.items():
        for _ in range(count):
            schedule.began(lane)
    return dealt


def test_lanes_share_the_places():
    """What is free is dealt out evenly."""
    assert begin(Schedule(8), ["a", "b"], 1.0) == {"a": 4, "b": 4}


def test_a_lane_takes_no_more_than_its_share():
    """However much one lane has to do, others find places."""
    schedule = Schedule(8, 3)
    assert begin(schedule, ["a"], 1.0) == {"a": 3}
    assert begin(schedule, ["a", "b"], 2.0) == {"b": 3}
    assert schedule.places == 2


def test_who_waited_longest_comes_first():
    """When there is one place, the lanes have it one after the other."""
    schedule, order = Schedule(1), []
    for second in range(4):
        [lane] = begin(schedule, ["a", "b"], float(second))
        order.append(lane)
        schedule.ended(lane)
    assert order == ["a", "b", "a", "b"]


def test_an_ended_delivery_gives_its_place_back():
    """A place is free again, whichever lane had it."""
    schedule = Schedule(2, 2)
    begin(schedule, ["a"], 1.0)
    assert schedule.deal(["a", "b"], time_s=2.0) == {}
    schedule.ended("a")
    assert schedule.deal(["a", "b"], time_s=3.0) == {"b": 1}


def test_a_lane_that_is_nearly_full_is_filled_in_batches():
    """One commit claims many items, not one each time a place is free."""
    schedule = Schedule(8)
    begin(schedule, ["a"], 1.0)
    schedule.ended("a")
    assert schedule.deal(["a"], time_s=1.0 + REFILL_S / 2) == {}
    assert schedule.opens_in_s == pytest.approx(REFILL_S / 2)
    assert schedule.deal(["a"], time_s=1.0 + REFILL_S) == {"a": 1}


@pytest.mark.parametrize(("told", "opens_in_s"), [(0.25, 0.25), (5.0, 5.0), (None, IDLE_S)])
def test_a_closed_lane_says_when_it_opens(told, opens_in_s):
    """The others go on; the next look comes when the closed one may open."""
    schedule = Schedule(8, gate=Closed("a", told))
    assert schedule.deal(["a", "b"], time_s=1.0) == {"b": 8}
    assert schedule.opens_in_s == opens_in_s


@pytest.mark.parametrize(("running", "is_busy"), [(0, False), (2, False), (3, True)])
def test_busy_is_more_than_half_of_a_share(running, is_busy):
    """Only then does it pay to wait for more to come together."""
    schedule = Schedule(8, 4)
    for _ in range(running):
        schedule.began("a")
    assert schedule.is_busy is is_busy
