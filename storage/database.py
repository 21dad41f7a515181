"""The database: units of work that share commits, and snapshots that never wait for them.

Group commit: the bodies of transactions run one after another inside one SQLite transaction, each
but the first in a savepoint of its own; the one that leaves while nobody waits commits for all. A
caller goes on only after the commit that contains its work: one commit serves many callers.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from storage.conversations import ConversationReader, Conversations
from storage.engine import Connection, connect, instance_lock
from storage.errors import DatabaseUnavailableError
from storage.messages import MessageReader, Messages
from storage.notes import NoteReader, Notes
from storage.queue import DurableQueue, QueueReader
from storage.schema import migrate

GROUP_LIMIT = 128
"""So many bodies share a commit at most, so that the first of them does not wait for ever."""


T = TypeVar("T")


class Transaction:
    """A unit of work: all of it is committed, or nothing."""

    def __init__(self, connection: Connection) -> None:
        self.touched: set[str] = set()
        self.inbox = DurableQueue("inbox", connection, self.touched.add)
        self.outbox = DurableQueue("outbox", connection, self.touched.add)
        self.conversations = Conversations(connection)
        self.messages = Messages(connection)
        self.notes = Notes(connection)


class Snapshot:
    """What is committed, for reading only."""

    def __init__(self, connection: Connection) -> None:
        self.inbox = QueueReader("inbox", connection)
        self.outbox = QueueReader("outbox", connection)
        self.conversations = ConversationReader(connection)
        self.messages = MessageReader(connection)
        self.notes = NoteReader(connection)


@dataclass
class _Group:
    """The transactions that share a commit."""

    committed: asyncio.Future[None]
    touched: set[str] = field(default_factory=set)
    bodies: int = 0


class Database:
    """One SQLite file: a connection that writes, and one that reads."""

    def __init__(self, writer: Connection, reader: Connection) -> None:
        self._writer = writer
        self._snapshot = Snapshot(reader)
        self._door = asyncio.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._changed = {"inbox": asyncio.Event(), "outbox": asyncio.Event()}
        self._rescues: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, exclusive: bool = False) -> AsyncIterator["Database"]:
        """Open the database and bring its schema up to date.

        Args:
            path: the file; it is created, its folder is not.
            exclusive: whether to be the one instance that runs on it.

        Raises:
            DatabaseBusyError: another instance runs on it.
            SchemaTooNewError: it is newer than this program.
            DatabaseUnavailableError: it cannot be opened.
        """
        async with AsyncExitStack() as stack:
            writer = await stack.enter_async_context(connect(path))
            if exclusive:
                stack.enter_context(instance_lock(path))
            await migrate(writer)
            reader = await stack.enter_async_context(connect(path, read_only=True))
            database = cls(writer, reader)
            try:
                yield database
            finally:
                await database.drain()

    def changed(self, queue: Literal["inbox", "outbox"]) -> asyncio.Event:
        """Return the event that is set after each commit that touched a queue."""
        return self._changed[queue]

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Read what is committed, without waiting for writers."""
        yield self._snapshot

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Do a unit of work; committed, durably, when the block is left without an error."""
        await self._enter()
        tx = Transaction(self._writer)
        try:
            group = await _uninterrupted(self._begin())
        except BaseException:
            await _uninterrupted(self._leave())
            raise
        try:
            yield tx
        except BaseException:
            await _uninterrupted(self._undo(group))
            raise
        await _uninterrupted(self._join(group, tx))
        await asyncio.shield(group.committed)

    async def drain(self) -> None:
        """Wait for commits that cancelled callers left to others."""
        while self._rescues:
            await asyncio.wait(self._rescues)

    async def _enter(self) -> None:
        """Wait for the door; a caller cancelled here must not take the others' commit along."""
        self._waiting += 1
        try:
            await self._door.acquire()
        except BaseException:
            self._waiting -= 1
            if self._waiting == 0 and self._group is not None:
                rescue = asyncio.create_task(self._rescue())
                self._rescues.add(rescue)
                rescue.add_done_callback(self._rescues.discard)
            raise
        self._waiting -= 1

    async def _rescue(self) -> None:
        async with self._door:
            await self._commit()

    async def _begin(self) -> _Group:
        """Open the group's transaction, or a savepoint in it."""
        if self._group is None:
            await self._writer.begin()
            self._group = _Group(asyncio.get_running_loop().create_future())
        else:
            await self._writer.rows("SAVEPOINT body")
        return self._group

    async def _undo(self, group: _Group) -> None:
        """Undo one body; SQLite may have undone all of them, when the disk is full."""
        try:
            if not self._writer.in_transaction:
                self._fail(group, DatabaseUnavailableError("the database undid the transaction"))
            elif group.bodies == 0:
                await self._writer.rollback()
                self._group = None
            else:
                await self._writer.rows("ROLLBACK TO body")
                await self._writer.rows("RELEASE body")
        finally:
            await self._leave()

    async def _join(self, group: _Group, tx: Transaction) -> None:
        """Make a body part of the group."""
        try:
            if group.bodies:
                await self._writer.rows("RELEASE body")
            group.bodies += 1
            group.touched |= tx.touched
        except BaseException as error:
            await self._writer.rollback()
            self._fail(group, error)
            raise
        finally:
            await self._leave()

    async def _leave(self) -> None:
        """Commit for all if nobody waits, and open the door."""
        try:
            group = self._group
            if group is not None and (self._waiting == 0 or group.bodies >= GROUP_LIMIT):
                await self._commit()
        finally:
            self._door.release()

    async def _commit(self) -> None:
        group, self._group = self._group, None
        if group is None:
            return
        try:
            await self._writer.commit()
        except BaseException as error:
            self._fail(group, error)
            await self._writer.rollback()
            return
        group.committed.set_result(None)
        for name in group.touched:
            self._changed[name].set()

    def _fail(self, group: _Group, error: BaseException) -> None:
        """Tell all members of a group that nothing of it was committed."""
        self._group = None
        if not group.committed.done():
            group.committed.set_exception(error)
            group.committed.exception()  # retrieved: a group may have no member that waits


async def _uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Finish what may not be left half done; a cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except BaseException:  # noqa: S110 - it is raised from the task below
            pass
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()
