"""What follows from a send of which nobody knows whether it was carried out."""

from datetime import UTC, datetime

import pytest

from bot.deliver.telegram.unknown_outcomes import PAUSE_S, weighed
from bot.queue.items import Kind
from bot.queue.outcomes import Delivered, RetryLater, Undeliverable
from bot.translate.outgoing.refusals import GAVE_UP, MAY_HAVE_ARRIVED
from storage.queue.reader import QueueItem

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOST = RetryLater("no answer", is_uncertain=True, is_unknown=True, code=903, text=GAVE_UP.text)
REFUSED = RetryLater("no connection", code=903, text=GAVE_UP.text)


def item(unknowns=0, kind=Kind.MANAGER_MESSAGE):
    """An item some of whose attempts ended without a word."""
    return QueueItem(
        id=1,
        dedupe_key="k",
        ordering_key="k",
        conversation_id="tg:1:2",
        kind=kind,
        payload="{}",
        state="pending",
        created_at=NOON,
        due_at=None,
        expires_at=NOON,
        started_at=NOON,
        attempts=1,
        progress=0,
        is_uncertain=unknowns > 0,
        reason=None,
        finished_at=None,
        unknowns=unknowns,
    )


def test_the_first_time_it_is_sent_once_more_after_a_pause():
    """A rare duplicate is better than an answer that is lost."""
    outcome = weighed(item(), LOST)
    assert isinstance(outcome, RetryLater)
    assert (outcome.after_s, outcome.is_unknown) == (PAUSE_S, True)
    assert outcome.text == MAY_HAVE_ARRIVED.text


def test_the_second_time_a_person_decides():
    """No client gets a message three times; the manager reads that it may have arrived."""
    outcome = weighed(item(unknowns=1), LOST)
    assert isinstance(outcome, Undeliverable)
    assert (outcome.code, outcome.text) == (903, MAY_HAVE_ARRIVED.text)


def test_what_was_not_sent_is_tried_on_and_the_doubt_stays():
    """A connection that cannot be made repeats nothing; the first send may have arrived still."""
    outcome = weighed(item(unknowns=1), REFUSED)
    assert isinstance(outcome, RetryLater)
    assert outcome.text == MAY_HAVE_ARRIVED.text


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        pytest.param(item(), REFUSED, id="certainly-not-sent"),
        pytest.param(item(unknowns=1), Delivered(), id="delivered"),
        pytest.param(item(unknowns=1), Undeliverable("refused"), id="refused"),
        pytest.param(item(unknowns=5, kind=Kind.BUTTON_PRESS), LOST, id="press"),
        pytest.param(item(unknowns=5, kind=Kind.MANAGER_REACTION), LOST, id="reaction"),
    ],
)
def test_otherwise_nothing_changes(given, outcome):
    """Only what a client could see twice is treated with such care."""
    assert weighed(given, outcome) == outcome
