"""What operators ask and are told, from plain data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.health import BotHealth, ChannelHealth, Health
from bot.operate.check.clock import skew_s
from bot.operate.dead_items import Failed
from bot.operate.operators.alerts import QUIET, Alert, AlertBook, News, alerts_in
from bot.operate.operators.commands import (
    Command,
    command_in,
    drop_button,
    drop_question,
    failed_text,
    retried_text,
    status_text,
)
from bot.operate.remedies import is_clients
from bot.operate.status.machine import LEAST_FREE_BYTES, Machine
from bot.operate.status.state import QueueState, State, Traffic
from bot.queue.items import Kind
from storage.queue.direction import Direction

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BOSS, GROUP = 900, -1000
ENOUGH = LEAST_FREE_BYTES


def says(text, chat_id=BOSS):
    """Return the update of a text message."""
    return {"update_id": 1, "message": {"chat": {"id": chat_id}, "text": text}}


def presses(data, chat_id=BOSS):
    """Return the update of a pressed button."""
    message = {"chat": {"id": chat_id}}
    return {"update_id": 1, "callback_query": {"id": "7", "data": data, "message": message}}


@pytest.mark.parametrize(
    ("update", "command"),
    [
        pytest.param(says("/status"), Command(BOSS, "status"), id="command"),
        pytest.param(says("/Status@sales_bot"), Command(BOSS, "status"), id="in-a-group"),
        pytest.param(
            says("/retry outgoing-1"), Command(BOSS, "retry", ("outgoing-1",)), id="argument"
        ),
        pytest.param(says("/id"), Command(BOSS, "id"), id="id"),
        pytest.param(
            presses("operator:drop yes outgoing-1"),
            Command(BOSS, "drop", ("yes", "outgoing-1"), "7"),
            id="button-with-arguments",
        ),
        pytest.param(presses("operator:retry"), Command(BOSS, "retry", (), "7"), id="button"),
        pytest.param(presses("other"), None, id="another-button"),
        pytest.param(presses("operator:retry", 555), None, id="a-clients-press"),
        pytest.param({"callback_query": {"id": "7"}}, None, id="a-press-without-a-message"),
        pytest.param({"callback_query": {"message": {}}}, None, id="a-message-without-a-chat"),
        pytest.param({"message": {"chat": {"id": "x"}}}, None, id="a-chat-without-a-number"),
        pytest.param(says("/status", 555), None, id="a-clients-command"),
        pytest.param(says("/statsu"), Command(BOSS, "help"), id="a-mistyped-command"),
        pytest.param(says("/statsu", GROUP), None, id="another-bots-command-in-a-group"),
        pytest.param(says("/start"), None, id="what-begins-a-chat"),
        pytest.param(presses("operator:gone"), None, id="a-button-of-another-version"),
        pytest.param(says("/"), None, id="no-command"),
        pytest.param(says("status"), None, id="plain-text"),
        pytest.param({"message": {"chat": {"id": BOSS}}}, None, id="no-text"),
        pytest.param({"edited_message": {}}, None, id="something-else"),
    ],
)
def test_what_is_a_command(update, command):
    """Only the chats in the settings are heard, and only what begins like a command."""
    assert command_in(update, (BOSS, GROUP)) == command


def state(
    *,
    channel=None,
    bot=None,
    queues=None,
    skew=None,
    is_paused=False,
    is_refused=True,
    alone=(),
):
    """Return how a service with one bot is."""
    return State(
        at=NOON,
        health=Health(
            bots={7: BotHealth(7, problem=bot)},
            channel=ChannelHealth(
                is_connected=channel is None,
                problem=channel,
                is_refused=channel is not None and is_refused,
            ),
            clock_skew_s=skew,
            is_paused=is_paused,
        ),
        queues=queues
        or (QueueState(Direction.INCOMING, 0, 0, 0.0), QueueState(Direction.OUTGOING, 0, 0, 0.0)),
        traffic=Traffic((1,), (2,)),
        failures=(),
        alone=alone,
    )


MISSED = NOON - timedelta(days=3)


def copied(at, *, is_daily=True, problem=None, running_for=2.0):
    """Return how a service is that was copied last at some moment."""
    given = state()
    given.health.started_at = NOON - timedelta(hours=running_for)
    given.health.backup_problem = problem
    return replace(given, machine=Machine(ENOUGH, at, is_daily))


IDLE = QueueState(Direction.INCOMING, 0, 0, 0.0)


@pytest.mark.parametrize(
    ("given", "free", "keys", "words"),
    [
        pytest.param(state(), ENOUGH, [], "", id="all-well"),
        pytest.param(
            state(channel="refused"), ENOUGH, ["channel"], "channel_secret", id="channel"
        ),
        pytest.param(
            state(channel="away", is_refused=False), ENOUGH, ["channel"], "outage", id="outage"
        ),
        pytest.param(state(bot="revoked"), ENOUGH, ["bot:7"], "revoked", id="token"),
        pytest.param(
            state(queues=(IDLE, QueueState(Direction.OUTGOING, 2, 0, 1000.0))),
            ENOUGH,
            ["stuck:outgoing"],
            "/status",
            id="stuck",
        ),
        pytest.param(
            state(queues=(IDLE, QueueState(Direction.OUTGOING, 2, 0, 1000.0)), is_paused=True),
            ENOUGH,
            [],
            "",
            id="paused-is-not-stuck",
        ),
        pytest.param(
            state(queues=(IDLE, QueueState(Direction.OUTGOING, 0, 3, 0.0))),
            ENOUGH,
            ["dead:outgoing"],
            "3 outgoing items could not be delivered",
            id="dead",
        ),
        pytest.param(
            state(queues=(IDLE, QueueState(Direction.OUTGOING, 0, 1, 0.0))),
            ENOUGH,
            ["dead:outgoing"],
            "1 outgoing item could not",
            id="one-dead",
        ),
        pytest.param(
            state(queues=(IDLE, QueueState(Direction.OUTGOING, 0, 2, 0.0, clients=2))),
            ENOUGH,
            [],
            "",
            id="blocked-by-clients",
        ),
        pytest.param(
            state(queues=(IDLE, QueueState(Direction.OUTGOING, 0, 3, 0.0, clients=2))),
            ENOUGH,
            ["dead:outgoing"],
            "1 outgoing item could not",
            id="one-beside-those-of-clients",
        ),
        pytest.param(state(), ENOUGH - 1, ["disk"], "Free up", id="disk"),
        pytest.param(copied(MISSED), ENOUGH, ["backup"], "3 days old", id="backup-missed"),
        pytest.param(copied(None), ENOUGH, ["backup"], "No backup", id="backup-never"),
        pytest.param(
            copied(MISSED, problem="no space is left"),
            ENOUGH,
            ["backup"],
            "No space is left.",
            id="backup-fails",
        ),
        pytest.param(copied(MISSED, running_for=0.5), ENOUGH, [], "", id="backup-after-a-pause"),
        pytest.param(copied(NOON - timedelta(hours=47)), ENOUGH, [], "", id="backup-made"),
        pytest.param(copied(MISSED, is_daily=False), ENOUGH, [], "", id="backup-not-asked-for"),
        pytest.param(state(skew=-300.0), ENOUGH, ["clock"], "timedatectl", id="clock"),
        pytest.param(state(skew=3.0), ENOUGH, [], "", id="clock-right"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(given, free, keys, words):
    """Each alert names its remedy."""
    alerts = alerts_in(given, free_bytes=free)
    assert [alert.key for alert in alerts] == keys
    assert all(words in alert.text for alert in alerts)


LONE = Failed(
    "outgoing-12",
    "manager_message",
    "tg:7:5",
    "fails again and again while others are delivered: Telegram failed: Internal",
    NOON,
    client="Ann {0}",
    attempts=6,
)


def test_an_item_that_fails_alone_has_an_alert_of_its_own():
    """It says whose it is, what fails, how often, and what to do; it is not told twice."""
    given = state(queues=(IDLE, QueueState(Direction.OUTGOING, 0, 1, 0.0)), alone=(LONE,))
    (alert,) = alerts_in(given, free_bytes=ENOUGH)
    first, why, todo, commands = alert.text.splitlines()
    assert first.startswith("A manager's message to Ann {0} was given up after 6 attempts")
    assert why == "Telegram failed: Internal"
    assert "another form" in todo
    assert commands == "/retry outgoing-12 retries it, /drop outgoing-12 drops it."


def test_every_kind_of_item_that_fails_alone_is_named_with_its_client():
    """Also those that are no message."""
    for kind in Kind:
        (alert,) = alerts_in(state(alone=(replace(LONE, kind=kind),)), free_bytes=ENOUGH)
        assert "Ann {0}" in alert.text.splitlines()[0]


@pytest.mark.parametrize(
    ("reason", "lies_with_the_client"),
    [
        pytest.param("The client has blocked the bot.", True, id="known-to-have-blocked"),
        pytest.param("Telegram: Forbidden: bot was blocked by the user", True, id="blocked"),
        pytest.param("Telegram: Forbidden: user is deactivated", True, id="gone"),
        pytest.param("Telegram: Bad Request: chat not found", False, id="chat-not-found"),
        pytest.param("sending: Kommo answered 403: your address is blocked", False, id="kommo"),
        pytest.param("", False, id="no-reason"),
    ],
)
def test_what_only_the_client_can_change(reason, lies_with_the_client):
    """The manager has read it in Kommo; nobody else needs to be woken."""
    assert is_clients(reason) is lies_with_the_client


def test_a_question_has_a_button_where_its_names_have_room():
    """Telegram takes 64 bytes of data; more can be typed."""
    few = ["outgoing-1"]
    assert drop_button(few) == (("Drop for good", "drop yes outgoing-1"),)
    assert drop_button([f"outgoing-{number}" for number in range(9)]) == ()
    text = drop_question(few, ["outgoing-9"])
    assert text.splitlines() == [
        "Drop 1 item for good? To do it: /drop outgoing-1 yes",
        "outgoing-9: no such item, or it is done",
    ]


BOT = Alert("bot:7", "revoked\nmake a new one")
DISK = Alert("disk", "full")


def test_a_short_trouble_is_not_told():
    """What is gone at the second look was no news."""
    book = AlertBook()
    assert book.news([BOT], now=NOON) is None
    assert book.news([], now=NOON + MINUTE) is None


def test_several_things_are_one_message_told_once_and_their_end_too():
    """Grouped, not repeated, and over when it is over."""
    book = AlertBook()
    book.news([BOT, DISK], now=NOON)
    news = book.news([BOT, DISK], now=NOON + MINUTE)
    assert news == News((BOT, DISK), ())
    assert news.text() == "⚠️ revoked\nmake a new one\n\n⚠️ full"
    book.tell(news, now=NOON + MINUTE)
    assert book.news([BOT, DISK], now=NOON + 2 * MINUTE) is None
    over = book.news([DISK], now=NOON + 3 * MINUTE)
    assert over == News((), ("revoked",))
    assert over.text() == "✅ Over: revoked"
    book.tell(over, now=NOON + 3 * MINUTE)
    assert book.news([DISK], now=NOON + 4 * MINUTE) is None


def test_the_end_of_an_outage_is_one_short_line():
    """What is over is named; why, and what to do, was told at the beginning."""
    book = AlertBook()
    away = alerts_in(state(channel="no answer", is_refused=False), free_bytes=ENOUGH)
    book.news(away, now=NOON)
    news = book.news(away, now=NOON)
    assert news is not None
    assert news.text().splitlines()[1] == "No answer"
    book.tell(news, now=NOON)
    over = book.news([], now=NOON + MINUTE)
    assert over is not None
    assert over.text() == "✅ Over: Kommo is not connected"


def test_what_was_not_told_is_told_later():
    """A message that could not be sent is news until it was."""
    book = AlertBook()
    book.news([BOT], now=NOON)
    assert book.news([BOT], now=NOON + MINUTE) == book.news([BOT], now=NOON + 2 * MINUTE)


def test_what_comes_and_goes_is_told_once_in_a_while():
    """Something that flaps makes no stream of messages."""
    book = AlertBook()
    told = 0
    for minute in range(25):
        alerts = [BOT] if minute % 4 < 2 else []
        news = book.news(alerts, now=NOON + minute * MINUTE)
        if news is not None:
            told += bool(news.alerts)
            book.tell(news, now=NOON + minute * MINUTE)
    assert told == 1


def test_more_of_the_same_is_news_after_a_while():
    """A growing number is told again, but not at once."""
    book = AlertBook()

    def dead(count):
        return Alert("dead:outgoing", f"{count} dead", level=count)

    book.news([dead(1)], now=NOON)
    news = book.news([dead(1)], now=NOON)
    assert news is not None
    book.tell(news, now=NOON)
    assert book.news([dead(2)], now=NOON + MINUTE) is None
    assert book.news([dead(2)], now=NOON + QUIET) == News((dead(2),), ())


def test_another_trouble_of_the_same_part_is_news_after_a_while():
    """Who was told of an outage also learns that the token was revoked meanwhile."""
    book = AlertBook()
    away, revoked = (alerts_in(state(bot=why), free_bytes=ENOUGH) for why in ("away", "revoked"))
    book.news(away, now=NOON)
    told = book.news(away, now=NOON)
    assert told is not None
    book.tell(told, now=NOON)
    assert book.news(revoked, now=NOON + MINUTE) is None
    news = book.news(revoked, now=NOON + QUIET)
    assert news is not None
    assert news.text() == "⚠️ Bot 7: revoked"
    book.tell(news, now=NOON + QUIET)
    assert book.news(revoked, now=NOON + 2 * QUIET) is None


def test_lost_access_to_the_rest_api_is_in_the_state():
    """What an alert told of stands in `/status`, too, for as long as it lasts."""
    given = state()
    given.health.rest.problem = "no consent"
    assert "Kommo's REST API: no consent" in status_text(given)


def test_the_state_in_words():
    """Everything an operator wants to know, in a few lines."""
    text = status_text(state(queues=(IDLE, QueueState(Direction.OUTGOING, 2, 1, 120.0))))
    assert text.splitlines() == [
        "The bridge works.",
        "Kommo: connected",
        "Bot 7: ok",
        "Incoming: 0 waiting",
        "Outgoing: 2 waiting, the oldest for 2 min, 1 failed (/failed)",
        "Last 24 hours: 1 incoming, 2 outgoing",
    ]
    assert "does NOT work" in status_text(state(bot="revoked", channel="refused"))
    assert "/resume" in status_text(state(is_paused=True))
    away = status_text(state(channel="it does not answer", is_refused=False)).splitlines()
    assert away[:2] == ["The bridge waits for Kommo.", "Kommo: it does not answer"]


@pytest.mark.parametrize(
    ("count", "missing", "words"),
    [
        pytest.param(0, 0, ["Nothing failed"], id="nothing"),
        pytest.param(1, 0, ["1 item tried again"], id="one"),
        pytest.param(2, 1, ["2 items tried again", "1 id not known"], id="some-and-an-unknown"),
        pytest.param(0, 2, ["2 ids not known"], id="only-unknown-ones"),
    ],
)
def test_what_a_retry_did_in_words(count, missing, words):
    """One line for what is tried again, one for what is not there."""
    lines = retried_text(count, missing).splitlines()
    assert len(lines) == len(words)
    assert all(line.startswith(word) for line, word in zip(lines, words, strict=True))


def test_failures_in_words():
    """The newest first, not too many, each with its reason."""
    items = [Failed(f"outgoing-{n}", "manager_message", None, "blocked", NOON) for n in range(12)]
    assert failed_text([]) == "Nothing failed."
    lines = failed_text(items).splitlines()
    assert lines[0] == "outgoing-0 (01.03. 12:00 UTC): blocked"
    assert lines[-1] == "… and 2 more"
    assert "more" not in failed_text(items[:2])


@pytest.mark.parametrize(
    ("header", "took_s", "skew"),
    [
        pytest.param(None, 0, None, id="no-header"),
        pytest.param("yesterday", 0, None, id="no-date"),
        pytest.param("Sun, 01 Mar 10000000000 12:00:00 GMT", 0, None, id="no-year"),
        pytest.param("Sun, 01 Mar 2026 12:00:00 GMT", 0, 0.0, id="right"),
        pytest.param("Sun, 01 Mar 2026 11:59:00 -0000", 0, 59.0, id="ahead"),
        pytest.param("Sun, 01 Mar 2026 12:01:00 -0000", 0, -60.0, id="behind"),
        pytest.param("Sun, 01 Mar 2026 11:59:55 GMT", 5, 0.0, id="the-answer-was-slow"),
        pytest.param("Sun, 01 Mar 2026 11:59:00 GMT", 5, 54.0, id="slow-and-ahead"),
        pytest.param("Sun, 01 Mar 2026 12:01:00 GMT", 5, -60.0, id="slow-and-behind"),
    ],
)
def test_how_far_the_clock_is_off(header, took_s, skew):
    """By a server's Date header, however late it came; without one nothing is known."""
    asked_at = NOON - timedelta(seconds=took_s)
    assert skew_s(header, asked_at=asked_at, now=NOON) == skew


def test_a_clock_that_is_set_back_silences_no_alert():
    """What was told an hour ahead of the right time is news again when it grows."""
    book = AlertBook()
    few, many = (
        Alert("dead:outgoing", "1 dead", level=1),
        Alert("dead:outgoing", "2 dead", level=2),
    )
    ahead = NOON + 2 * QUIET
    book.news([few], now=ahead)
    news = book.news([few], now=ahead)
    assert news is not None
    book.tell(news, now=ahead)
    assert book.news([many], now=NOON) == News((many,), ())


def test_a_missed_backup_is_told_on_request():
    """`/status` has a line for it, with the reason; without a folder for copies it has none."""
    assert "Backup: the last backup is 3 days old: no space" in status_text(
        copied(MISSED, problem="no space")
    )
    assert "Backup" not in status_text(copied(MISSED, is_daily=False))
    assert "Backup" not in status_text(copied(NOON))
