"""A pause of all deliveries, which outlasts a restart."""

from datetime import datetime
from functools import partial

from bot.health import Health
from bot.operate.dead_items import PATIENCE_S
from storage.database import Database, Snapshot, Transaction
from storage.patience import persist

PAUSED = "paused"
"""The fact that keeps a pause through a restart."""


async def is_paused(snapshot: Snapshot) -> bool:
    """Tell whether deliveries were paused before the start."""
    return await snapshot.facts.get(PAUSED) is not None


async def pause(database: Database, health: Health, *, now: datetime) -> None:
    """Deliver nothing until `resume`.

    Raises:
        DatabaseStalledError: nothing was changed.
    """
    await persist(database, partial(_begin, now=now), within_s=PATIENCE_S)
    health.is_paused = True


async def resume(database: Database, health: Health, *, now: datetime) -> None:
    """Deliver again.

    Raises:
        DatabaseStalledError: nothing was changed.
    """
    await persist(database, partial(_end, now=now), within_s=PATIENCE_S)
    health.is_paused = False


async def _begin(tx: Transaction, *, now: datetime) -> None:
    if await tx.facts.get(PAUSED) is None:
        await tx.facts.put(PAUSED, now.isoformat(timespec="milliseconds"))


async def _end(tx: Transaction, *, now: datetime) -> None:
    """Forget the pause; what waited has as much time left as before it."""
    paused_at = _moment(await tx.facts.get(PAUSED))
    if paused_at is not None:
        for queue in (tx.to_telegram, tx.to_kommo):
            await queue.make_up_for_pause(since=paused_at, now=now)
    await tx.facts.delete(PAUSED)


def _moment(text: str | None) -> datetime | None:
    """Read a moment; None when there is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
