"""How long a 404 about a message is not final."""

import pytest

from bot.deliver.kommo.unknown_messages import UnknownMessages, UnknownPatience
from kommo.standing import Standing

ITEM = 7


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    """A clock."""
    return Clock()


@pytest.fixture
def standing():
    """What is known of the channel."""
    return Standing()


@pytest.fixture
def unknown(standing, clock):
    """Ten minutes in all, two while other calls are taken."""
    return UnknownMessages(standing, UnknownPatience(600, 120), now_s=clock)


def test_alone_it_takes_the_whole_patience(unknown, clock):
    """While nothing else is taken, nobody knows whether it is the message's fault."""
    for at in (1000, 1008, 1120, 1599):
        clock.at = at
        assert not unknown.is_final(ITEM)
    clock.at = 1600
    assert unknown.is_final(ITEM)


def test_beside_calls_that_are_taken_it_ends_sooner(unknown, standing, clock):
    """What was taken shortly after the first 404 proves little; two minutes later it does."""
    assert not unknown.is_final(ITEM)
    standing.taken_at = 1005
    clock.at = 1300
    assert not unknown.is_final(ITEM)
    assert unknown.wants_proof(ITEM)
    standing.taken_at = 1299
    assert unknown.is_final(ITEM)
    assert not unknown.wants_proof(ITEM)


def test_each_item_has_its_own_time(unknown, clock):
    """The first 404 of an item begins its time; what is long over is forgotten."""
    assert not unknown.is_final(ITEM)
    clock.at = 1590
    assert not unknown.is_final(ITEM + 1)
    clock.at = 1600
    assert unknown.is_final(ITEM)
    assert not unknown.is_final(ITEM + 1)
    clock.at = 9000
    assert not unknown.is_final(ITEM)


def test_its_conversation_waits_for_seconds_only(unknown, clock):
    """What is about a message that Kommo does not know steps aside soon."""
    assert not unknown.steps_aside(ITEM)
    clock.at += 4.9
    assert not unknown.steps_aside(ITEM)
    clock.at += 0.1
    assert unknown.steps_aside(ITEM)


def test_what_stood_aside_does_not_overwrite_what_is_newer(unknown):
    """An older change of a message is void once a newer one was taken."""
    assert not unknown.is_outdated("text 42", ITEM)
    unknown.note_told("text 42", ITEM + 1)
    unknown.note_told("text 42", ITEM - 1)
    assert unknown.is_outdated("text 42", ITEM)
    assert not unknown.is_outdated("text 42", ITEM + 1)
    assert not unknown.is_outdated("text 43", ITEM)
    for number in range(2000):
        unknown.note_told(f"text {number + 100}", 1)
    assert not unknown.is_outdated("text 42", ITEM)
