"""Items that wait for a person: what they are, and trying them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bot.queue.items import Direction, Kind, Lifetimes, item_named, name_of
from storage.database import Database, Transaction
from storage.patience import persist
from storage.queue.reader import QueueItem, QueueReader

AT_MOST = 10_000
PATIENCE_S = 5.0
"""So long a person waits for the database; then it is said that nothing was changed."""


@dataclass(frozen=True)
class Failed:
    """A dead item, without anything that a client or manager wrote."""

    name: str
    """As `queue list` names it, such as `outgoing-12`."""

    kind: str
    conversation_id: str | None
    reason: str
    since: datetime


def remedy(name: str, item: QueueItem) -> str:
    """Say how to mend an item that waits or is dead."""
    again = f"kommo-telegram queue retry {name}"
    if item.state == "pending":
        return f"nothing: it is tried by itself; at once with: {again}"
    if item.kind == Kind.UPDATE:
        return f"this version cannot read it; after an upgrade: {again}"
    if "blocked" in (item.reason or ""):
        return f"once the client has written again: {again}"
    return f"mend what the reason says, then: {again}; or give it up: " + again.replace(
        "retry", "drop"
    )


async def failed_items(database: Database, *, limit: int = AT_MOST) -> list[Failed]:
    """Return dead items, the newest first."""
    found: list[Failed] = []
    async with database.snapshot() as snapshot:
        readers: list[tuple[Direction, QueueReader]] = [
            ("incoming", snapshot.outbox),
            ("outgoing", snapshot.inbox),
        ]
        for direction, reader in readers:
            found += [
                Failed(
                    name=name_of(direction, item.id),
                    kind=item.kind,
                    conversation_id=item.conversation_id,
                    reason=item.reason or "",
                    since=item.finished_at or item.created_at,
                )
                for item in await reader.list_items(states=("dead",), limit=AT_MOST)
            ]
    return sorted(found, key=lambda item: item.since, reverse=True)[:limit]


async def retry(
    database: Database, names: Sequence[str], *, now: datetime, lifetimes: Lifetimes
) -> int:
    """Try items again at once; return how many of them there are.

    Raises:
        StorageError: nothing was changed.
    """
    again = partial(_retry, names=names, now=now, lifetimes=lifetimes)
    return await persist(database, again, within_s=PATIENCE_S)


async def _retry(
    tx: Transaction, *, names: Sequence[str], now: datetime, lifetimes: Lifetimes
) -> int:
    retried = 0
    for name in names:
        named = item_named(name)
        if named is None:
            continue
        direction, number = named
        if direction == "incoming":
            expires_at = now + lifetimes.to_kommo
            retried += await tx.outbox.retry(number, now=now, expires_at=expires_at)
        else:
            expires_at = now + lifetimes.to_telegram
            retried += await tx.inbox.retry(number, now=now, expires_at=expires_at)
    return retried
