"""Items that wait for a person: what they are, trying them again, giving them up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from bot.deliver.dropped import dropped
from bot.operate.remedies import in_commands, in_words, remedy_for
from bot.queue.enqueue import Enqueue
from bot.queue.items import Kind, Lifetimes, item_named, name_of
from bot.queue.outcomes import FAILS_ALONE
from bot.translate.languages import Language, in_language
from kommo.errors import PayloadError
from kommo.events import Event, ManagerMessage, parse_event
from kommo.ids import ConversationId
from kommo.models import ErrorCode, StatusCode
from storage.database import Database, Snapshot, Transaction
from storage.patience import persist
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem, State

AT_MOST = 10_000
LOOKED_AT = 200
PATIENCE_S = 5.0
"""Seconds that a person waits for the database before reading that nothing was changed."""


@dataclass(frozen=True)
class Failed:
    """An item that failed, without anything that a client or manager wrote."""

    name: str
    """As `queue list` names it, such as `outgoing-12`."""

    kind: str
    conversation_id: str | None
    reason: str
    since: datetime
    """When it was given up; of one that waits: since when it does."""

    client: str | None = None
    """What the client of its conversation is called."""

    state: State = "dead"
    attempts: int = 0

    @property
    def remedy(self) -> str:
        """Say what to do, to who has buttons for it."""
        return in_words(remedy_for(self.state, self.kind, self.reason))


def remedy(name: str, item: QueueItem) -> str:
    """Return the remedy for a waiting or failed item, as shell commands."""
    return in_commands(remedy_for(item.state, item.kind, item.reason), name)


async def failed_items(database: Database, *, limit: int = AT_MOST) -> list[Failed]:
    """Return dead items, the newest first."""
    async with database.snapshot() as snapshot:
        found = [
            _failed(direction, item)
            for direction in Direction
            for item in await snapshot.queue(direction).list_items(states=("dead",), limit=AT_MOST)
        ]
        newest = sorted(found, key=lambda item: item.since, reverse=True)[:limit]
        return await _with_clients(snapshot, newest)


async def troubled_items(database: Database, *, limit: int) -> list[Failed]:
    """Return items that failed and are tried again, those that wait longest first.

    Only the oldest pending items are looked at: during an outage there may be very many.
    """
    async with database.snapshot() as snapshot:
        found = [
            _failed(direction, item)
            for direction in Direction
            for item in await snapshot.queue(direction).list_items(
                states=("pending",), limit=LOOKED_AT
            )
            if item.attempts and item.reason
        ]
        oldest = sorted(found, key=lambda item: item.since)[:limit]
        return await _with_clients(snapshot, oldest)


async def lone_failures(database: Database, *, limit: int) -> list[Failed]:
    """Return items that were given up as nothing but them failed, the oldest first."""
    async with database.snapshot() as snapshot:
        found = [
            _failed(direction, item)
            for direction in Direction
            for item in await snapshot.queue(direction).dead_with(FAILS_ALONE, limit=limit)
        ]
        oldest = sorted(found, key=lambda item: item.since)[:limit]
        return await _with_clients(snapshot, oldest)


def _failed(direction: Direction, item: QueueItem) -> Failed:
    return Failed(
        name=name_of(direction, item.id),
        kind=item.kind,
        conversation_id=item.conversation_id,
        reason=item.reason or "",
        since=item.finished_at or item.created_at,
        state=item.state,
        attempts=item.attempts,
    )


async def _with_clients(snapshot: Snapshot, items: Sequence[Failed]) -> list[Failed]:
    ids = {item.conversation_id for item in items if item.conversation_id}
    known = await snapshot.conversations.all_of(ids)
    names = {conversation_id: one.name for conversation_id, one in known.items()}
    return [replace(item, client=names.get(item.conversation_id or "")) for item in items]


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
        expires_at = now + lifetimes.of(direction)
        retried += await tx.queue(direction).retry(number, now=now, expires_at=expires_at)
    return retried


@dataclass(frozen=True)
class Dropping:
    """Gives items up for good; managers are told of their messages.

    Args:
        lifetimes: how long that is tried.
        language: of what the managers read.
    """

    lifetimes: Lifetimes
    language: Language

    async def drop(self, database: Database, names: Sequence[str], *, now: datetime) -> list[str]:
        """Give items up; return those that there are.

        Raises:
            StorageError: nothing was changed.
        """
        drop = partial(self._drop, names=names, now=now)
        return await persist(database, drop, within_s=PATIENCE_S)

    async def _drop(self, tx: Transaction, *, names: Sequence[str], now: datetime) -> list[str]:
        return [name for name in names if await self._drop_one(tx, name, now)]

    async def _drop_one(self, tx: Transaction, name: str, now: datetime) -> bool:
        named = item_named(name)
        item = await tx.queue(named[0]).get(named[1]) if named else None
        if named is None or item is None or not await tx.queue(named[0]).drop(item.id, now=now):
            return False
        if item.started_at is None:  # else the end of the attempt says what became of it
            await self._tell(tx, item)
        return True

    async def _tell(self, tx: Transaction, item: QueueItem) -> None:
        """Tell Kommo that a message fails, unless it was told so: a manager waits for it.

        Reference: Kommo, Update message delivery status (error 905 with words).
        """
        event = _event_of(item)
        if not isinstance(event, ManagerMessage):
            return
        end = dropped(item)
        await Enqueue(tx, self.lifetimes).status(
            event.kommo_message_id,
            StatusCode.ERROR,
            conversation_id=ConversationId(item.conversation_id) if item.conversation_id else None,
            error_code=ErrorCode(end.code or ErrorCode.OTHER),
            error=in_language(end.text or end.reason, self.language),
        )


def _event_of(item: QueueItem) -> Event | None:
    """Return the manager's event that an item keeps, if it keeps one that can be read."""
    if item.kind != Kind.MANAGER_MESSAGE:
        return None
    try:
        return parse_event(item.payload.encode())
    except PayloadError:
        return None


async def open_items(database: Database, names: Sequence[str]) -> list[str]:
    """Return those of the names that are of items which wait or are dead."""
    found = []
    async with database.snapshot() as snapshot:
        for name in names:
            named = item_named(name)
            item = await snapshot.queue(named[0]).get(named[1]) if named else None
            if item is not None and item.state != "done":
                found.append(name)
    return found
