"""Items that wait for a person: what they are, and trying them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.items import Lifetimes
from storage.database import Database

Direction = Literal["incoming", "outgoing"]
"""Incoming items wait in the outbox for Kommo, outgoing ones in the inbox for Telegram."""

AT_MOST = 10_000
LONGEST_ID = 18
"""Digits that fit into SQLite's integers."""


@dataclass(frozen=True)
class Failed:
    """A dead item, without anything that a client or manager wrote."""

    name: str
    """As `queue list` names it, such as `outgoing-12`."""

    kind: str
    conversation_id: str | None
    reason: str
    since: datetime


async def failed_items(database: Database, *, limit: int = AT_MOST) -> list[Failed]:
    """Return dead items, the newest first."""
    found: list[Failed] = []
    async with database.snapshot() as snapshot:
        for direction, reader in (("incoming", snapshot.outbox), ("outgoing", snapshot.inbox)):
            found += [
                Failed(
                    name=f"{direction}-{item.id}",
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
    """Try items again at once; return how many of them there are."""
    retried = 0
    async with database.transaction() as tx:
        for name in names:
            direction, _, number = name.partition("-")
            if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_ID):
                continue
            if direction == "incoming":
                expires_at = now + lifetimes.to_kommo
                retried += await tx.outbox.retry(int(number), now=now, expires_at=expires_at)
            elif direction == "outgoing":
                expires_at = now + lifetimes.to_telegram
                retried += await tx.inbox.retry(int(number), now=now, expires_at=expires_at)
    return retried
