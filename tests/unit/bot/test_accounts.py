"""Business accounts in words: for the operators' chat, the page, alerts and `check`."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.health import BotHealth, ChannelHealth, Health
from bot.operate.operators.alerts import alerts_in
from bot.operate.operators.commands import status_text
from bot.operate.operators.known_chats import chat_in
from bot.operate.status.page import page
from bot.operate.status.state import QueueState, State, Traffic
from storage.business import BusinessConnection
from storage.queue.direction import Direction

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ENOUGH = 1 << 40
WELL = BusinessConnection(
    "c1", 7, 999, "Olga", NOON, NOON, is_enabled=True, can_reply=True, can_read=True
)
ENDED = replace(WELL, is_enabled=False)
MUTE = replace(WELL, can_reply=False)


def state(*accounts):
    """Return a service that is well but for these accounts."""
    return State(
        at=NOON,
        health=Health(bots={7: BotHealth(7)}, channel=ChannelHealth(is_connected=True)),
        queues=(
            QueueState(Direction.INCOMING, 0, 0, 0.0),
            QueueState(Direction.OUTGOING, 0, 0, 0),
        ),
        traffic=Traffic((1,), (2,)),
        failures=(),
        accounts=accounts,
    )


@pytest.mark.parametrize(
    ("account", "words"),
    [
        pytest.param(WELL, "Olga: connected", id="well"),
        pytest.param(ENDED, "Olga: no longer connected", id="ended"),
        pytest.param(MUTE, "Olga: connected, but the bot may not reply", id="mute"),
    ],
)
def test_each_account_is_a_line_of_the_status(account, words):
    """Whether it is connected, and what the bot may do."""
    assert f"Business account {words}" in status_text(state(account)).splitlines()


def test_each_account_is_on_the_page():
    """What is wrong stands in red beside its name."""
    shown = page(state(WELL, replace(ENDED, name="Ivan <b>")), csrf="x", nonce="y", version="1")
    assert 'Business account Olga: <span class="good">ok</span>' in shown
    assert 'Ivan &lt;b&gt;: <span class="bad">no longer connected</span>' in shown


@pytest.mark.parametrize("account", [ENDED, MUTE], ids=["ended", "mute"])
def test_an_account_without_answers_is_an_alert(account):
    """It names the account and what the owner can do; one that is well is none."""
    [alert] = alerts_in(state(account), free_bytes=ENOUGH)
    assert "Olga" in alert.text
    assert "Telegram Business" in alert.text
    assert alerts_in(state(WELL), free_bytes=ENOUGH) == []


def test_an_operators_chat_with_an_owner_is_not_the_operators_chat():
    """An operator may be the client of a business account as well."""
    message = {"message_id": 1, "chat": {"id": 900, "type": "private"}}
    press = {"callback_query": {"id": "1", "message": message}}
    assert chat_in(press) == 900
    message["business_connection_id"] = "c1"
    assert chat_in(press) == 0
