"""The status page's text, from plain data."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.health import BotHealth, ChannelHealth, Health
from bot.operate.dead_items import Failed
from bot.operate.status.machine import LEAST_FREE_BYTES, Machine
from bot.operate.status.page import duration, hour_marks, page, size
from bot.operate.status.state import QueueState, State, Traffic
from storage.queue.direction import Direction

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def state(
    *, problem=None, channel_problem=None, failures=(), troubled=(), pending=0, machine=None
):
    """Return how a service with one bot is."""
    return State(
        at=NOON,
        health=Health(
            bots={7: BotHealth(7, name="Sales & more", source="sales", problem=problem)},
            started_at=NOON - timedelta(hours=5),
            channel=ChannelHealth(is_connected=not channel_problem, problem=channel_problem),
        ),
        queues=(
            QueueState(Direction.INCOMING, pending, 0, 90.0),
            QueueState(Direction.OUTGOING, 0, len(failures), 0.0),
        ),
        traffic=Traffic((0, 20, 0), (0, 0, 5)),
        failures=failures,
        troubled=troubled,
        machine=machine,
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
    ("seconds", "words"),
    [(5, "5 s"), (59, "59 s"), (60, "1 min"), (5400, "1.5 h"), (4e5, "5 days")],
)
def test_a_duration_is_rounded(seconds, words):
    """Nobody wants to count seconds."""
    assert duration(seconds) == words


BLOCKED = "Telegram: Forbidden: bot was blocked by the user"


def failed(name, reason, *, kind="manager_message", item_state="dead"):
    """Return an item of Ann's that failed."""
    return Failed(name, kind, "tg:7:5", reason, NOON, client="Ann <&>", state=item_state)


def test_nothing_dead_is_called_working_in_green():
    """It works, and something waits for a person: both are said, and not in green."""
    html = shown(state(failures=(failed("outgoing-1", "odd"),)))
    assert '<p class="big warn">It works, but 1 item could not be delivered</p>' in html
    assert "big good" not in html
    assert '<p class="big good">It works</p>' in shown(state())


def test_the_trouble_of_one_bot_of_several_is_not_green():
    """The others work, so the service does; not everything is well."""
    given = state()
    given.health.bots[8] = BotHealth(8, problem="token revoked")
    html = shown(given)
    assert "It works, but not with every bot" in html
    assert "big good" not in html


@pytest.mark.parametrize(
    ("item", "words"),
    [
        pytest.param(failed("outgoing-1", BLOCKED), "wait until the client writes", id="blocked"),
        pytest.param(
            failed("incoming-1", "KeyError", kind="update"),
            "upgrade to a release",
            id="unreadable",
        ),
        pytest.param(
            failed("outgoing-1", "gave up after 3 attempts: Telegram failed: 502"),
            "wait until the outage is over, then retry; or drop it",
            id="outage",
        ),
        pytest.param(failed("outgoing-1", "what?"), "fix what the reason says", id="other"),
        pytest.param(
            failed("outgoing-1", "Telegram failed", item_state="pending"),
            "none, it is retried automatically",
            id="waits",
        ),
    ],
)
def test_an_item_has_its_client_its_remedy_and_both_buttons(item, words):
    """Whoever looks knows whose it is, what to do, and can do it."""
    given = (
        state(troubled=(item,)) if item.state == "pending" else state(failures=(item,), pending=1)
    )
    html = shown(given)
    assert "<bdi>Ann &lt;&amp;&gt;</bdi>" in html
    assert words in html.replace("&#x27;", "'")
    assert 'action="/retry"' in html
    assert 'action="/drop"' in html


def test_it_says_since_when_it_runs_and_which_version():
    """Both stand below the first line."""
    assert "version 1, running since 2026-03-01 07:00 UTC (5.0 h)" in shown(state())


def test_hours_stand_below_the_chart():
    """Every fourth whole hour, at its place in the day that the chart shows."""
    marks = hour_marks(NOON + timedelta(minutes=30))
    assert [hour for _share, hour in marks] == ["08:00", "04:00", "00:00", "20:00", "16:00"]
    assert marks[0][0] == pytest.approx(100 * 19.5 / 24)
    html = shown(state())
    assert '<text x="50.00%" y="15">00:00</text>' in html


@pytest.mark.parametrize(
    ("machine", "words", "kind"),
    [
        pytest.param(Machine(5 * 1024**3, None, False), "none yet", "warn", id="no-copy"),
        pytest.param(
            Machine(5 * 1024**3, NOON - timedelta(hours=3), True), "3.0 h ago", "good", id="fresh"
        ),
        pytest.param(
            Machine(5 * 1024**3, NOON - timedelta(days=9), True), "9 days ago", "warn", id="old"
        ),
        pytest.param(Machine(LEAST_FREE_BYTES - 1, None, True), "499 MiB", "bad", id="full"),
        pytest.param(Machine(5 * 1024**3, None, True), "5.0 GiB", "good", id="room"),
    ],
)
def test_the_last_copy_and_the_disk_are_told(machine, words, kind):
    """Old copies and a full disk are seen before they are needed."""
    assert f'<span class="{kind}">{words}' in shown(state(machine=machine))


def test_a_size_is_rounded():
    """Nobody wants to count bytes."""
    assert (size(700 * 1024**2), size(3 * 1024**3)) == ("700 MiB", "3.0 GiB")
