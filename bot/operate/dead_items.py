"""Items that wait for a person: what they are, trying them again, giving them up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.deliver.dropped import dropped
from bot.operate.remedies import in_commands, in_words, remedy_for
from bot.queue.enqueue import Enqueue
from bot.queue.items import Kind, Lifetimes, item_named, name_of
from bot.queue.outcomes import FAILS_ALONE
from bot.translate.languages import Language, in_language
from kommo.errors import PayloadError
from kommo.events import Event, ManagerMessage, parse_event
from kommo.ids import ConversationId
from kommo.statuses import ErrorCode, StatusCode
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


async def retry(database: Database, names: Sequence[str], *, lifetimes: Lifetimes) -> list[str]:
    """Try items again at once; return the names of those that there are.

    Raises:
        StorageError: nothing was changed.
    """

    async def again(tx: Transaction, direction: Direction, item_id: int) -> bool:
        expires_at = tx.now + lifetimes.of(direction)
        return await tx.queue(direction).retry(item_id, now=tx.now, expires_at=expires_at)

    return await _each(database, names, again)


@dataclass(frozen=True)
class Dropping:
    """Gives items up for good; managers are told of their messages.

    Args:
        lifetimes: how long that is tried.
        language: of what the managers read.
    """

    lifetimes: Lifetimes
    language: Language

    async def drop(self, database: Database, names: Sequence[str]) -> list[str]:
        """Give items up; return the names of those that there are.

        Raises:
            StorageError: nothing was changed.
        """
        return await _each(database, names, self._drop)

    async def _drop(self, tx: Transaction, direction: Direction, item_id: int) -> bool:
        item = await tx.queue(direction).get(item_id)
        if item is None or not await tx.queue(direction).drop(item_id, now=tx.now):
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


async def _each(
    database: Database,
    names: Sequence[str],
    change: Callable[[Transaction, Direction, int], Awaitable[bool]],
) -> list[str]:
    """Change items in one transaction; return the names of those that were changed."""

    async def all_of_them(tx: Transaction) -> list[str]:
        named = ((name, item_named(name)) for name in names)
        return [name for name, item in named if item is not None and await change(tx, *item)]

    return await persist(database, all_of_them, within_s=PATIENCE_S)


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
