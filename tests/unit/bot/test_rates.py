"""How fast a bot may send, on a clock of the test's own."""

import pytest

from bot.deliver.telegram.rates import (
    CHAT_BURST,
    GROUP_BURST,
    MAX_CHATS,
    STREAK_S,
    STRICT_S,
    Limits,
    Rates,
)

ANN, BOB, GROUP = 555, 556, -100555


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def rates(clock):
    """The limits of a bot, as they are by default."""
    return Rates(Limits(), clock=clock)


def send(rates, clock, chat_id, times):
    """Send as soon as it is allowed; return the moments, counted from the first."""
    began, moments = clock.now, []
    for _ in range(times):
        clock.now += rates.wait_s(chat_id)
        clock.now += rates.opens_in_s()
        rates.spend(chat_id)
        moments.append(round(clock.now - began, 1))
    return moments


def test_a_burst_to_one_chat_passes_then_one_a_second(rates, clock):
    """A manager's quick messages are not held up, a flood of them is."""
    moments = send(rates, clock, ANN, CHAT_BURST + 12)
    assert moments[CHAT_BURST - 1] < 1
    gaps = [later - sooner for sooner, later in zip(moments[-11:], moments[-10:], strict=False)]
    assert gaps == pytest.approx([1.0] * 10)


def test_a_group_gets_twenty_messages_a_minute(rates, clock):
    """Telegram allows groups less."""
    moments = send(rates, clock, GROUP, 40)
    assert sum(20 < moment <= 80 for moment in moments) == 20
    assert moments[GROUP_BURST - 1] < 1


def test_a_broadcast_keeps_to_the_bots_rate(rates, clock):
    """In no second does a bot send much more than thirty messages."""
    moments = [send(rates, clock, chat_id, 1) and clock.now for chat_id in range(300)]
    assert moments[-1] - moments[0] == pytest.approx(290 / 30, abs=0.2)
    most = max(sum(start <= at < start + 1 for at in moments) for start in moments)
    assert most <= 41


def test_a_busy_chat_leaves_the_others_free(rates, clock):
    """The limit of a chat is its own."""
    send(rates, clock, ANN, CHAT_BURST)
    assert rates.wait_s(ANN) > 0
    assert rates.wait_s(BOB) == 0


def test_what_came_too_soon_is_paid_back(rates):
    """The parts of a long message count, even when they could not wait."""
    for _ in range(40):
        rates.spend(ANN)
    assert rates.free() == 0
    assert rates.opens_in_s() == pytest.approx(31 / 30)
    assert rates.wait_s(ANN) == pytest.approx(21)


def test_a_chat_that_was_refused_has_no_bursts_for_a_while(rates, clock):
    """Where Telegram said that it was too much, one message a second it is."""
    assert rates.flooded(ANN, 7) is False
    assert rates.wait_s(ANN) == 7
    assert send(rates, clock, ANN, 4) == [7.0, 8.0, 9.0, 10.0]
    clock.now += STRICT_S
    assert send(rates, clock, ANN, 4)[-1] < 1


def test_floods_in_one_chat_leave_the_bot_free(rates):
    """However often one chat is refused, the others go on."""
    assert [rates.flooded(ANN, 30), rates.flooded(ANN, 30)] == [False, False]
    assert rates.free() > 0


def test_floods_in_several_chats_silence_the_bot(rates, clock):
    """Then it is the bot that is too fast, for as long as Telegram says."""
    rates.flooded(ANN, 30)
    assert rates.flooded(BOB, 20) is True
    assert (rates.free(), rates.frozen_s(), rates.opens_in_s()) == (0, 20, 20)
    clock.now += 20
    assert rates.free() > 0


def test_floods_that_lie_apart_are_the_chats_own(rates, clock):
    """Two chats that are refused at different times say nothing of the bot."""
    rates.flooded(ANN, 30)
    clock.now += 5
    assert rates.flooded(BOB, 30) is False


def test_without_limits_nothing_waits(clock):
    """A server of one's own may take any number; what it refuses waits all the same."""
    rates = Rates(Limits(bot_per_s=0, chat_per_s=0), clock=clock)
    assert send(rates, clock, ANN, 1000)[-1] == 0
    assert rates.free() is None
    rates.flooded(ANN, 3)
    assert rates.wait_s(ANN) == 3


def test_quiet_chats_are_forgotten(clock):
    """Memory does not grow with every chat that was ever written to."""
    rates = Rates(Limits(bot_per_s=0, chat_per_s=1), clock=clock)
    for chat_id in range(MAX_CHATS):
        rates.spend(chat_id)
    clock.now += 60
    rates.spend(-1)
    assert len(rates._chats) == 1


def test_a_flood_that_goes_on_is_one(rates, clock):
    """How long a chat is silent is counted from the first refusal of a row."""
    assert rates.flood_s(ANN) == 0
    rates.flooded(ANN, 30.0)
    assert (rates.flood_s(ANN), rates.flood_s(BOB)) == (30.0, 0)
    clock.now += 30 + STREAK_S / 2
    assert rates.flood_s(ANN) == 0
    rates.flooded(ANN, 40.0)
    assert rates.flood_s(ANN) == 30 + STREAK_S / 2 + 40
    clock.now += 40 + STREAK_S
    rates.flooded(ANN, 5.0)
    assert rates.flood_s(ANN) == 5


def test_a_flood_in_several_chats_is_everybodys(rates):
    """A silent bot is silent in every chat."""
    rates.flooded(ANN, 30.0)
    rates.flooded(BOB, 60.0)
    assert rates.flood_s(GROUP) == 60
