"""The state of the service as plain data: for the page, the metrics and the chat."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.health import Health
from bot.operate.dead_items import Failed, failed_items, lone_failures, troubled_items
from bot.operate.remedies import is_clients
from bot.operate.status.machine import Machine
from bot.queue.items import Kind
from storage.business import BusinessConnection
from storage.database import Database
from storage.queue.direction import Direction
from storage.queue.reader import QueueReader

STEP, STEPS = timedelta(minutes=10), 144
"""The chart: a day in steps of ten minutes."""

LATEST = 10


@dataclass(frozen=True)
class QueueState:
    """What waits in one direction."""

    direction: Direction
    pending: int
    dead: int
    oldest_s: float
    """How long the oldest pending item has been waiting; 0 when none is."""

    clients: int = 0
    """How many of the dead only the client can change; their managers have read it."""


@dataclass(frozen=True)
class Traffic:
    """Messages delivered in the last day, per step, the latest last."""

    incoming: tuple[int, ...]
    outgoing: tuple[int, ...]


@dataclass(frozen=True)
class State:
    """All that an operator is shown."""

    at: datetime
    health: Health
    queues: tuple[QueueState, QueueState]
    traffic: Traffic
    failures: tuple[Failed, ...]
    """The latest items that are dead."""

    troubled: tuple[Failed, ...] = ()
    """Items that failed and are tried again, those that wait longest first."""

    alone: tuple[Failed, ...] = ()
    """Items that failed while others were delivered, the oldest first."""

    accounts: tuple[BusinessConnection, ...] = ()
    """The business accounts that bots serve, as each is connected now."""

    machine: Machine | None = None
    """What the page tells besides; None where it is not asked for."""


async def read_state(database: Database, health: Health, *, now: datetime) -> State:
    """Return how the service is."""
    since = now - STEP * STEPS
    async with database.snapshot() as snapshot:
        queues = (
            await _queue(Direction.INCOMING, snapshot.to_kommo, now),
            await _queue(Direction.OUTGOING, snapshot.to_telegram, now),
        )
        incoming = await snapshot.figures.delivered(
            Direction.INCOMING, kinds=(Kind.NEW_MESSAGE,), since=since, step=STEP, steps=STEPS
        )
        outgoing = await snapshot.figures.delivered(
            Direction.OUTGOING,
            kinds=(Kind.MANAGER_MESSAGE, Kind.LEGACY_MESSAGE),
            since=since,
            step=STEP,
            steps=STEPS,
        )
        accounts = await snapshot.business.accounts()
    return State(
        at=now,
        health=health,
        queues=queues,
        traffic=Traffic(tuple(incoming), tuple(outgoing)),
        failures=tuple(await failed_items(database, limit=LATEST)),
        accounts=tuple(one for one in accounts if not health.bots or one.bot_id in health.bots),
        troubled=tuple(await troubled_items(database, limit=LATEST)),
        alone=tuple(await lone_failures(database, limit=LATEST)),
    )


async def _queue(direction: Direction, queue: QueueReader, now: datetime) -> QueueState:
    counts = await queue.counts()
    oldest_at = await queue.oldest_pending_at()
    reasons = await queue.dead_reasons() if counts.get("dead") else {}
    return QueueState(
        direction=direction,
        pending=counts.get("pending", 0),
        dead=counts.get("dead", 0),
        oldest_s=max((now - oldest_at).total_seconds(), 0.0) if oldest_at else 0.0,
        clients=sum(count for reason, count in reasons.items() if is_clients(reason)),
    )
