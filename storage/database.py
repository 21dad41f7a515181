"""The database: transactions that share commits, and snapshots that never wait for them."""

import logging
from asyncio import Event, Task, create_task, get_running_loop, sleep, wait
from collections.abc import AsyncIterator, Callable, Set
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from storage.avatars import AvatarReader, Avatars
from storage.buttons import ButtonReader, Buttons
from storage.conversation_chats import ConversationChatReader, ConversationChats
from storage.conversations import ConversationReader, Conversations
from storage.doubts import DoubtReader, Doubts
from storage.errors import DatabaseUnavailableError
from storage.facts import FactReader, Facts
from storage.figures import FigureReader
from storage.forgotten import Forgotten, ForgottenReader
from storage.grants import GrantReader, Grants
from storage.invitations import Invitations
from storage.messages import MessageReader, Messages
from storage.presses import Presses
from storage.queue.attempts import AttemptReader, Attempts
from storage.queue.direction import Direction
from storage.queue.durable import DurableQueue
from storage.queue.reader import QueueReader
from storage.retention import Retention
from storage.sqlite import engine
from storage.sqlite.engine import Connection, Reading, Session
from storage.sqlite.lock import instance_lock
from storage.sqlite.schema import migrate
from storage.sqlite.writer import Writer, uninterrupted
from storage.timestamps import utc_now

CHECKPOINT_CHANGES, FEWEST_CHANGES, MOST_CHANGES = 500, 50, 1000
"""After so many changed rows the write-ahead log is brought into the file: some megabytes."""

CHECKPOINT_S = 0.01
"""A checkpoint holds up all who write: where one takes longer, the next comes sooner."""

FREE_PAGES, STEP_PAUSE_S = 200, 0.005
"""So many pages are given back to the disk in one step, which takes some milliseconds."""

WIPES, WIPE_PAUSE_S = 40, 0.05
"""How often the log is tried to be wiped while another process writes or somebody reads."""

Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


class Transaction:
    """A unit of work: all of it is committed, or nothing.

    Args:
        now: its moment: what is done in one commit is done at one time.
    """

    def __init__(
        self, session: Session, changed: Callable[[Direction], None], now: datetime
    ) -> None:
        self.now = now
        self.to_kommo = DurableQueue(Direction.INCOMING, session, changed)
        self.to_telegram = DurableQueue(Direction.OUTGOING, session, changed)
        self.conversations = Conversations(session)
        self.conversation_chats = ConversationChats(session)
        self.messages = Messages(session)
        self.buttons = Buttons(session)
        self.presses = Presses(session)
        self.avatars = Avatars(session)
        self.attempts = Attempts(session)
        self.invitations = Invitations(session)
        self.grants = Grants(session)
        self.forgotten = Forgotten(session)
        self.facts = Facts(session)
        self.doubts = Doubts(session)
        self.retention = Retention(session)

    def queue(self, direction: Direction) -> DurableQueue:
        """Return the queue of a direction."""
        return self.to_kommo if direction is Direction.INCOMING else self.to_telegram


class Snapshot:
    """What is committed, for reading only."""

    def __init__(self, session: Session) -> None:
        self.to_kommo = QueueReader(Direction.INCOMING, session)
        self.to_telegram = QueueReader(Direction.OUTGOING, session)
        self.conversations = ConversationReader(session)
        self.conversation_chats = ConversationChatReader(session)
        self.messages = MessageReader(session)
        self.buttons = ButtonReader(session)
        self.avatars = AvatarReader(session)
        self.forgotten = ForgottenReader(session)
        self.attempts = AttemptReader(session)
        self.grants = GrantReader(session)
        self.facts = FactReader(session)
        self.doubts = DoubtReader(session)
        self.figures = FigureReader(session)

    def queue(self, direction: Direction) -> QueueReader:
        """Return the queue of a direction."""
        return self.to_kommo if direction is Direction.INCOMING else self.to_telegram


class Database:
    """One SQLite file: a connection that writes, and one that reads."""

    def __init__(
        self,
        path: Path,
        writer: Connection,
        reader: Connection,
        *,
        checkpoints: bool = False,
        now: Clock,
    ) -> None:
        self._now = now
        self._path = path
        self._changed = {direction: Event() for direction in Direction}
        self._writer = Writer(writer, self._committed)
        self._reader = reader
        self._snapshot = Snapshot(Reading(reader))
        self._checkpoints = checkpoints
        self._checkpoint_after = self._checkpoint_due = CHECKPOINT_CHANGES
        self._checkpointing: Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, *, exclusive: bool = False, now: Clock = utc_now
    ) -> AsyncIterator["Database"]:
        """Open the database and bring its schema up to date.

        Args:
            path: the file; it is created, its folder is not.
            exclusive: whether to be the one instance that runs on it.
            now: the clock.

        Raises:
            DatabaseBusyError: another instance runs on it.
            SchemaTooNewError: it is newer than this program.
            DatabaseUnavailableError: it cannot be opened.
        """
        async with AsyncExitStack() as stack:
            if exclusive:
                stack.enter_context(instance_lock(path))
            writer = await stack.enter_async_context(engine.connect(path))
            await migrate(writer)
            reader = await stack.enter_async_context(engine.connect(path, read_only=True))
            database = cls(path, writer, reader, checkpoints=exclusive, now=now)
            try:
                yield database
            finally:
                await uninterrupted(database.drain())

    @property
    def path(self) -> Path:
        """Return the database's file."""
        return self._path

    @property
    def folder(self) -> Path:
        """Return the folder that the database is in."""
        return self._path.parent

    def changed(self, direction: Direction) -> Event:
        """Return the event that is set after each commit that may have made an item due."""
        return self._changed[direction]

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Read without waiting for writers; each question sees what is committed by then."""
        yield self._snapshot

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Do a unit of work; committed, durably, when the block is left without an error.

        A caller cancelled on the way out cannot know whether its work was committed.

        Raises:
            DatabaseUnavailableError: nothing of it is kept.
        """
        touched: set[Direction] = set()
        async with self._writer.body(touched) as session:
            yield Transaction(session, touched.add, self._now())

    async def drain(self) -> None:
        """Wait for commits that cancelled callers left behind, and for a checkpoint."""
        await self._writer.drain()
        if self._checkpointing is not None:
            await wait({self._checkpointing})

    async def backup(self, target: Path) -> None:
        """Write a consistent copy into a new file, while everything goes on.

        Raises:
            DatabaseUnavailableError: the file exists already or cannot be written.
        """
        async with engine.connect(self._path) as connection:
            await engine.copy(connection, target)

    async def checkpoint(self) -> bool:
        """Bring the write-ahead log into the file; False when not all of it could be brought.

        Raises:
            DatabaseUnavailableError: the disk failed.
        """
        return await self._writer.alone(partial(engine.checkpoint, reader=self._reader))

    async def compact(self) -> None:
        """Give back the space of what was removed, and wipe it from the write-ahead log.

        It is done in small steps, between which others work; what is read meanwhile, or written by
        another process, may keep the log from being wiped until the next time.
        """
        left, before = await self._writer.alone(_free_pages), -1
        while left and left != before:
            before, left = left, await self._writer.alone(_free_pages)
            await sleep(STEP_PAUSE_S)
        for _attempt in range(WIPES):
            if await self.checkpoint() and await self._writer.alone(engine.shorten_log):
                return
            await sleep(WIPE_PAUSE_S)

    def _committed(self, touched: Set[Direction]) -> None:
        """Wake who waits for what was put into a queue; checkpoint when the log has grown."""
        for direction in touched:
            self._changed[direction].set()
        is_due = self._checkpoints and self._writer.changes >= self._checkpoint_due
        if is_due and self._checkpointing is None:
            self._checkpointing = create_task(self._checkpoint_now())

    async def _checkpoint_now(self) -> None:
        try:
            began = get_running_loop().time()
            await self.checkpoint()
            took_s = get_running_loop().time() - began
            self._checkpoint_after = next_checkpoint(self._checkpoint_after, took_s)
        except DatabaseUnavailableError as error:  # the next write says so to whom it concerns
            log.warning("the write-ahead log could not be brought into the file: %s", error)
        finally:
            self._checkpoint_due = self._writer.changes + self._checkpoint_after
            self._checkpointing = None


def next_checkpoint(changes: int, took_s: float) -> int:
    """Return after how many changed rows the next checkpoint comes."""
    fitting = int(changes * CHECKPOINT_S / max(took_s, 1e-6))
    return max(min(fitting, 2 * changes, MOST_CHANGES), FEWEST_CHANGES)


async def _free_pages(connection: Connection) -> int:
    return await engine.free_pages(connection, FREE_PAGES)
