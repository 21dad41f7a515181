"""The status page's text, from plain data."""

from datetime import UTC, datetime

import pytest

from bot.health import BotHealth, ChannelHealth, Health
from bot.operate.dead_items import Failed
from bot.operate.status.page import duration, page
from bot.operate.status.state import QueueState, State, Traffic

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def state(*, problem=None, channel_problem=None, failures=(), pending=0):
    """Return how a service with one bot is."""
    return State(
        at=NOON,
        health=Health(
            bots={7: BotHealth(7, name="Sales & more", source="sales", problem=problem)},
            channel=ChannelHealth(is_connected=not channel_problem, problem=channel_problem),
        ),
        queues=(
            QueueState("incoming", pending, 0, 90.0),
            QueueState("outgoing", 0, len(failures), 0.0),
        ),
        traffic=Traffic((0, 20, 0), (0, 0, 5)),
        failures=failures,
    )


def shown(given):
    """Return the page."""
    return page(given, csrf="c", nonce="n", version="1")


def test_all_is_well():
    """What works is said in two words; nothing is red."""
    html = shown(state())
    assert "It works" in html
    assert "None." in html
    assert '<span class="bad">' not in html
    assert "at most 2.0 a minute" in html
    assert "Bot Sales &amp; more (7), source sales" in html


def test_an_outage_of_kommo_is_not_called_working():
    """What arrives waits for Kommo; once it is connected, or refuses, that is said instead."""
    away = shown(state(channel_problem="it does not answer"))
    assert "It waits for Kommo" in away
    assert "It works" not in away
    assert "It works" in shown(state())


def test_what_is_wrong_is_on_top():
    """The reason stands where one looks first, and beside its part."""
    html = shown(state(problem="token <revoked>", channel_problem="no grant", pending=3))
    assert "It works" not in html
    assert html.count("token &lt;revoked&gt;") == 2
    assert "no grant" in html
    assert "the oldest for 2 min" in html


def test_lost_access_to_the_rest_api_is_shown():
    """It is a part of its own; while all is well with it, it needs no line."""
    given = state()
    assert "REST API" not in shown(given)
    given.health.rest.problem = "no <consent>"
    assert "Kommo&#x27;s REST API" in shown(given)
    assert "no &lt;consent&gt;" in shown(given)


def test_a_failure_has_its_reason_and_a_button():
    """Whatever a reason holds, it is text on the page."""
    item = Failed("outgoing-1", "manager_message", None, "<script>", NOON)
    html = shown(state(failures=(item,)))
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert 'value="outgoing-1"' in html
    assert "1 dead" in html


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "5 s"), (59, "59 s"), (60, "1 min"), (5400, "1.5 h")]
)
def test_a_duration_is_rounded(seconds, words):
    """Nobody wants to count seconds."""
    assert duration(seconds) == words
