"""How long a client's message may be answered."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.translate.outgoing.window import is_late, length
from kommo.answers import Participant
from kommo.body import Body
from kommo.events import ManagerMessage
from kommo.ids import KommoChatId, KommoMessageId
from kommo.markup import Template

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def answer(**how):
    """Return a manager's message of noon."""
    person = Participant(None)
    return ManagerMessage(
        KommoMessageId("m"), KommoChatId("c"), None, person, person, NOON, Body("text"), **how
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("24h", DAY, id="hours"),
        pytest.param("90min", timedelta(minutes=90), id="minutes"),
        pytest.param("86400s", DAY, id="seconds-as-registered"),
        pytest.param(" 7 D ", timedelta(days=7), id="spaces-and-capitals"),
        pytest.param("0h", None, id="nothing"),
        pytest.param("24", None, id="no-unit"),
        pytest.param("-1h", None, id="negative"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_length_has_a_number_and_a_unit(text, expected):
    """What cannot be misread is taken, the rest is not guessed."""
    assert length(text) == expected


@pytest.mark.parametrize(
    ("heard_at", "window", "expected"),
    [
        pytest.param(NOON - DAY, DAY, False, id="at-the-very-end"),
        pytest.param(NOON - DAY - timedelta(seconds=1), DAY, True, id="a-second-later"),
        pytest.param(None, DAY, True, id="never-wrote"),
        pytest.param(None, None, False, id="no-window"),
    ],
)
def test_an_answer_is_late_after_the_window(heard_at, window, expected):
    """The client's last message and the manager's own time count."""
    assert is_late(answer(), heard_at, window) is expected


def test_a_template_is_never_late():
    """It is what Kommo offers after the end."""
    template = Template(kommo_id="1", external_id=None, content="")
    assert not is_late(answer(template=template), None, DAY)
