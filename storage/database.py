"""The database: transactions that share commits, and snapshots that never wait for them."""

from asyncio import Event
from collections.abc import AsyncIterator, Callable, Set
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from storage.avatars import AvatarReader, Avatars
from storage.blocks import BlockReader, Blocks
from storage.business import Business, BusinessReader
from storage.buttons import ButtonReader, Buttons
from storage.conversation_chats import ConversationChatReader, ConversationChats
from storage.conversations import ConversationReader, Conversations
from storage.doubts import DoubtReader, Doubts
from storage.engine import Committed, Engine, Session
from storage.engines import backend_of
from storage.facts import FactReader, Facts
from storage.figures import FigureReader
from storage.floods import Floods
from storage.forgotten import Forgotten, ForgottenReader
from storage.grants import GrantReader, Grants
from storage.imports import ImportReader, Imports
from storage.invitations import Invitations
from storage.kept import KeptReader
from storage.location import Location
from storage.message_reader import MessageReader
from storage.messages import Messages
from storage.presses import Presses
from storage.queue.attempts import AttemptReader, Attempts
from storage.queue.direction import Direction
from storage.queue.durable import DurableQueue
from storage.queue.reader import QueueReader
from storage.retention import Retention
from storage.timestamps import utc_now
from storage.topics import TopicReader, Topics
from storage.uninterrupted import uninterrupted

Clock = Callable[[], datetime]


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
        self.topics = Topics(session)
        self.buttons = Buttons(session)
        self.presses = Presses(session)
        self.blocks = Blocks(session)
        self.floods = Floods(session)
        self.business = Business(session)
        self.avatars = Avatars(session)
        self.attempts = Attempts(session)
        self.invitations = Invitations(session)
        self.grants = Grants(session)
        self.forgotten = Forgotten(session)
        self.facts = Facts(session)
        self.doubts = Doubts(session)
        self.retention = Retention(session)
        self.imports = Imports(session)

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
        self.topics = TopicReader(session)
        self.buttons = ButtonReader(session)
        self.blocks = BlockReader(session)
        self.business = BusinessReader(session)
        self.avatars = AvatarReader(session)
        self.forgotten = ForgottenReader(session)
        self.attempts = AttemptReader(session)
        self.grants = GrantReader(session)
        self.facts = FactReader(session)
        self.doubts = DoubtReader(session)
        self.figures = FigureReader(session)
        self.imports = ImportReader(session)
        self.kept = KeptReader(session)

    def queue(self, direction: Direction) -> QueueReader:
        """Return the queue of a direction."""
        return self.to_kommo if direction is Direction.INCOMING else self.to_telegram


class Database:
    """What the bridge knows, in one database."""

    def __init__(
        self,
        engine: Engine,
        location: Location,
        changed: dict[Direction, Event],
        now: Clock,
    ) -> None:
        self._engine = engine
        self.location = location
        self._changed = changed
        self._now = now
        self._snapshot = Snapshot(engine.reading)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, where: Location | Path, *, exclusive: bool = False, now: Clock = utc_now
    ) -> AsyncIterator["Database"]:
        """Open the database and bring its schema up to date.

        Args:
            where: the file, or more about where it is; it is created, its folder is not.
            exclusive: whether to be the one instance that runs on it.
            now: the clock.

        Raises:
            DatabaseBusyError: another instance runs on it.
            SchemaTooNewError: it is newer than this program.
            DatabaseUnavailableError: it cannot be opened.
        """
        changed = {direction: Event() for direction in Direction}
        location = Location.of(where)
        opening = backend_of(location).open(location, _wakes(changed), exclusive=exclusive)
        async with opening as engine:
            if exclusive:
                location.prepare()
            try:
                yield cls(engine, location, changed, now)
            finally:
                await uninterrupted(engine.drain())

    def now(self) -> datetime:
        """Return the time, by the clock that its transactions go by."""
        return self._now()

    @property
    def path(self) -> Path:
        """Return the database's file."""
        return self.location.path

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
        async with self._engine.write(touched) as session:
            yield Transaction(session, touched.add, self._now())

    async def drain(self) -> None:
        """Wait for commits that cancelled callers left behind, and for a checkpoint."""
        await self._engine.drain()

    async def backup(self, target: Path) -> None:
        """Write a consistent copy into a new file, while everything goes on.

        Raises:
            DatabaseUnavailableError: the file exists already or cannot be written.
        """
        await self._engine.backup(target)

    async def checkpoint(self) -> bool:
        """Bring the write-ahead log into the file; False when not all of it could be brought.

        Raises:
            DatabaseUnavailableError: the disk failed.
        """
        return await self._engine.checkpoint()

    async def compact(self) -> None:
        """Give back the space of what was removed, and wipe it from the write-ahead log.

        It is done in small steps, between which others work; what is read meanwhile, or written by
        another process, may keep the log from being wiped until the next time.
        """
        await self._engine.compact()


@asynccontextmanager
async def look(location: Location) -> AsyncIterator[Snapshot]:
    """Read a database that exists: neither its schema nor the files beside it change.

    Raises:
        SchemaTooNewError: it is newer than this program.
        SchemaTooOldError: it is older; the service's next start brings it up to date.
        DatabaseUnavailableError: it cannot be read.
    """
    async with backend_of(location).look(location) as session:
        yield Snapshot(session)


def _wakes(changed: dict[Direction, Event]) -> Committed:
    """Return what wakes whoever waits for items of a direction."""

    def wake(touched: Set[Direction]) -> None:
        for direction in touched:
            changed[direction].set()

    return wake
