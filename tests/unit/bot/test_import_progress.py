"""What is said of an import while it runs."""

import pytest

from bot.cli.import_progress import EVERY_S, line, shown, span
from bot.imports.lane import Done
from bot.imports.plan import ChatPlan, Plan


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.2, "1 s"), (59.4, "59 s"), (90, "2 min"), (3600, "60 min"), (7200, "2.0 h")],
)
def test_spans(seconds, expected):
    """A time is said as people say it."""
    assert span(seconds) == expected


def test_a_line_says_all():
    """Messages, chats, rate, time left, and what just went wrong."""
    plan = Plan(chats=[ChatPlan(n, n, 1, "", is_export=True, count=500) for n in (1, 2)])
    done = Done(sent=300, before=100, chats=1, trouble="Kommo asks to slow down")
    assert line(done, plan, took_s=30) == (
        "400 of 1000 messages, 1 of 2 chats, 10.0 a second, 1 min left (Kommo asks to slow down)"
    )


def test_a_line_before_anything_was_sent():
    """Nothing is guessed of a rate that nobody knows."""
    plan = Plan(chats=[ChatPlan(1, 1, 1, "", is_export=True, count=5)])
    assert line(Done(), plan, took_s=0) == "0 of 5 messages, 0 of 1 chats, 0.0 a second"


@pytest.mark.parametrize(("every_s", "lines"), [(EVERY_S, 0), (0.0, 3)])
def test_elsewhere_than_on_a_terminal_a_line_is_written_now_and_then(capsys, every_s, lines):
    """However much is brought, there is one line a minute on standard error, and it is whole."""
    plan = Plan(chats=[ChatPlan(1, 1, 1, "", is_export=True, count=5)])
    with shown(plan, every_s=every_s) as show:
        for sent in (1, 2, 3):
            show(Done(sent=sent))
    printed = capsys.readouterr()
    said = printed.err.splitlines()
    assert [one.split(",")[0] for one in said] == [f"{n} of 5 messages" for n in (1, 2, 3)][:lines]
    assert printed.out == ""
