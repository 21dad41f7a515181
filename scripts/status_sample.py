"""A made-up service for the picture of the status page."""

import math
from datetime import UTC, datetime, timedelta
from importlib import metadata

from bot.health import BotHealth, ChannelHealth, Health
from bot.operate.dead_items import Failed
from bot.operate.status.machine import Machine
from bot.operate.status.page import page
from bot.operate.status.state import STEPS, QueueState, State, Traffic
from bot.queue.items import Kind
from storage.queue.direction import Direction

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONVERSATION = "tg:700001:555"


def sample_page() -> str:
    """Return the page of a service in which one item waits for a person."""
    return page(_state(), csrf="c", nonce="n", version=metadata.version("kommo-telegram"))


def _state() -> State:
    bot = BotHealth(700001, name="Sales", source="sales")
    health = Health(bots={bot.bot_id: bot}, started_at=NOON - timedelta(hours=5))
    health.channel = ChannelHealth(is_connected=True)
    return State(
        at=NOON,
        health=health,
        queues=(
            QueueState(Direction.INCOMING, 3, 0, 90.0),
            QueueState(Direction.OUTGOING, 1, 1, 20.0),
        ),
        traffic=Traffic(_wave(11, 40), _wave(7, 75)),
        failures=(_failed(12, "Telegram: Forbidden: bot was blocked by the user"),),
        troubled=(_failed(14, "Telegram failed: 502 Bad Gateway", attempts=2),),
        machine=Machine(52 << 30, NOON - timedelta(hours=7), is_copied_daily=True),
    )


def _wave(height: int, shift: int) -> tuple[int, ...]:
    """Return the messages of a day, per step."""
    return tuple(
        round(height * max(0.0, math.sin((step - shift) * math.tau / STEPS)))
        for step in range(STEPS)
    )


def _failed(number: int, reason: str, *, attempts: int = 0) -> Failed:
    return Failed(
        f"outgoing-{number}",
        Kind.MANAGER_MESSAGE,
        CONVERSATION,
        reason,
        NOON - timedelta(minutes=8 * number),
        client="Ann Miller" if attempts == 0 else "Bob Stone",
        state="pending" if attempts else "dead",
        attempts=attempts,
    )
