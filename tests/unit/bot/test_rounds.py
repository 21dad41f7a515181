"""When histories are looked at: each in its time, and no more at once than is decent."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.receive.catch_up.rounds import LONG, Rounds, Throttle, pause_s

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
EVERY_S = 300.0


@pytest.mark.parametrize(
    ("quiet", "minutes"),
    [
        pytest.param(timedelta(hours=-1), 5, id="clock-ahead"),
        pytest.param(timedelta(0), 5, id="now"),
        pytest.param(timedelta(hours=3), 5, id="hours"),
        pytest.param(timedelta(hours=12), 20, id="over-night"),
        pytest.param(3 * DAY, 120, id="over-a-weekend"),
        pytest.param(20 * DAY, 360, id="weeks"),
        pytest.param(300 * DAY, 720, id="months"),
    ],
)
def test_who_was_silent_for_longer_is_looked_at_less_often(quiet, minutes):
    """But often enough for an answer to be sent that is not older than a day."""
    assert pause_s(quiet, EVERY_S) == minutes * 60


class Day:
    """A day of looks at many conversations, by a clock of its own."""

    def __init__(self, quiet):
        self.quiet = quiet
        self.rounds = Rounds(EVERY_S)
        self.looks: dict[str, list[float]] = {name: [] for name in quiet}
        self.most_in_a_minute = 0

    def pass_by(self, seconds, *, step_s=5):
        """Let time pass."""
        minute: list[float] = []
        for time_s in range(0, seconds, step_s):
            now = NOON + timedelta(seconds=time_s)
            if time_s % EVERY_S == 0:
                active = {name: NOON - quiet for name, quiet in self.quiet.items()}
                self.rounds.learn(active, now=now, time_s=time_s, seen_at=NOON)
            for name in self.rounds.due(now=now, time_s=time_s):
                self.looks[name].append(time_s)
                minute.append(time_s)
            minute = [one for one in minute if one > time_s - 60]
            self.most_in_a_minute = max(self.most_in_a_minute, len(minute))


def test_thousands_of_conversations_are_a_bounded_load():
    """Six thousand of every age: each in its time, two calls a second at most."""
    quiet = {f"tg:1:{n}": n % 60 * DAY + timedelta(hours=n % 7) for n in range(6000)}
    day = Day(quiet)
    day.pass_by(13 * 3600)
    assert day.most_in_a_minute <= 2 * 60
    for name, looks in day.looks.items():
        bound = pause_s(quiet[name] + timedelta(hours=13), EVERY_S) + 10
        gaps = [later - earlier for earlier, later in zip([0, *looks], looks, strict=False)]
        assert looks, name
        assert max(gaps) <= bound, name


def test_whoever_is_heard_of_is_looked_at_soon():
    """After months of silence a webhook says that more may come."""
    day = Day({"quiet": LONG, "other": LONG})
    day.pass_by(300)
    day.rounds.note("quiet", now=NOON + timedelta(seconds=300))
    day.rounds.note("unknown", now=NOON)
    assert list(day.rounds.due(now=NOON + timedelta(seconds=600), time_s=600)) == ["quiet"]


def test_a_message_in_the_database_counts_too():
    """However it came there."""
    day = Day({"quiet": 20 * DAY})
    day.pass_by(300)
    now = NOON + timedelta(seconds=300)
    day.rounds.learn({"quiet": now}, now=now, time_s=300, seen_at=NOON)
    assert list(day.rounds.due(now=now, time_s=600)) == ["quiet"]


def test_a_turn_tells_since_when_nothing_was_seen():
    """So that nothing falls between two looks that are far apart."""
    rounds = Rounds(EVERY_S)
    rounds.learn({"one": NOON}, now=NOON, time_s=0, seen_at=NOON - DAY)
    assert rounds.due(now=NOON, time_s=300) == {"one": NOON - DAY}
    later = NOON + timedelta(seconds=600)
    assert rounds.due(now=later, time_s=600) == {"one": NOON}


def test_who_was_forgotten_has_no_turn():
    """A conversation that is in the database no more."""
    rounds = Rounds(EVERY_S)
    rounds.learn({"one": NOON}, now=NOON, time_s=0, seen_at=NOON)
    rounds.learn({}, now=NOON, time_s=1, seen_at=NOON)
    assert rounds.due(now=NOON, time_s=9999) == {}


def test_calls_keep_their_distance():
    """A few at once, then so many a second, whatever waits."""
    throttle = Throttle(5.0, at_once=3)
    assert [throttle.wait_s(0.0) for _call in range(5)] == pytest.approx([0, 0, 0, 0.2, 0.4])
    assert throttle.wait_s(100.0) == 0.0
