"""The SQLite engine: a connection that writes, one that reads, checkpoints between commits."""

import logging
from asyncio import Task, create_task, get_running_loop, sleep, wait
from collections.abc import AsyncIterator, Set
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from storage.engine import Committed, Session
from storage.errors import DatabaseUnavailableError
from storage.queue.direction import Direction
from storage.sqlite import checkpoints, copies
from storage.sqlite.connection import Connection, Reading, connect, impatient
from storage.sqlite.lock import instance_lock
from storage.sqlite.schema import migrate
from storage.sqlite.turns import Turns
from storage.sqlite.writer import Writer

CHECKPOINT_CHANGES, MIN_CHANGES, MAX_CHANGES = 500, 50, 1000
"""Changed rows after which the write-ahead log is brought into the file: some megabytes."""

CHECKPOINT_S = 0.01
"""A checkpoint holds up all who write: where one takes longer, the next comes sooner."""

FREE_PAGES, STEP_PAUSE_S = 200, 0.005
"""So many pages are given back to the disk in one step, which takes some milliseconds."""

WAITS_S = 1.0
"""How long a compaction waits for another process, step by step."""

WIPES, WIPE_PAUSE_S = 40, 0.05
"""How often the log is tried to be wiped while another process writes or somebody reads."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_sqlite(
    path: Path, committed: Committed, *, exclusive: bool
) -> AsyncIterator["SqliteEngine"]:
    """Open a file and bring its schema up to date.

    Raises:
        DatabaseBusyError: another instance runs on it.
        SchemaTooNewError: it is newer than this program.
        DatabaseUnavailableError: it cannot be opened.
    """
    async with AsyncExitStack() as stack:
        if exclusive:
            stack.enter_context(instance_lock(path))
        writer = await stack.enter_async_context(connect(path))
        await migrate(writer)
        reader = await stack.enter_async_context(connect(path, read_only=True))
        turns = stack.enter_context(Turns.open(path))
        yield SqliteEngine(path, writer, reader, committed, turns, is_service=exclusive)


class SqliteEngine:
    """An open SQLite file; see `storage.engine.Engine`.

    Args:
        path: the file.
        writer: the connection that writes.
        reader: the connection that reads, and checkpoints.
        committed: is told after each commit.
        turns: with other processes.
        is_service: whether it is the one process that checkpoints, and lets the others by.
    """

    def __init__(
        self,
        path: Path,
        writer: Connection,
        reader: Connection,
        committed: Committed,
        turns: Turns,
        *,
        is_service: bool,
    ) -> None:
        self.path = path
        self.reading: Session = Reading(reader)
        self.writer = Writer(writer, self._after_commit, turns, gives_way=is_service)
        self._reader = reader
        self._committed = committed
        self._turns = turns
        self._is_service = is_service
        self._checkpoint_after = self._checkpoint_due = CHECKPOINT_CHANGES
        self._checkpointing: Task[None] | None = None

    def write(self, touched: Set[Direction]) -> AbstractAsyncContextManager[Session]:
        """Run the block as one transaction, durable when the block is left without an error."""
        return self.writer.body(touched)

    async def drain(self) -> None:
        """Wait for commits that cancelled callers left behind, and for a checkpoint."""
        await self.writer.drain()
        if self._checkpointing is not None:
            await wait({self._checkpointing})

    async def backup(self, target: Path) -> None:
        """Write a consistent copy into a new file, while everything goes on."""
        async with connect(self.path) as connection:
            await copies.copy(connection, target)

    async def checkpoint(self) -> bool:
        """Bring the write-ahead log into the file; False when not all of it could be brought."""
        return await self.writer.alone(partial(checkpoints.checkpoint, reader=self._reader))

    async def compact(self) -> None:
        """Give back the space of what was removed, and wipe it from the write-ahead log."""
        patient, alone = partial(self._turns.patient, wait_s=WAITS_S), self.writer.alone
        free = partial(checkpoints.free_pages, pages=FREE_PAGES, how=patient)
        how = impatient if self._is_service else patient
        left, before = await alone(free), -1
        while left and left != before:
            before, left = left, await alone(free)
            await sleep(STEP_PAUSE_S)
        for _attempt in range(WIPES):
            is_done = await alone(partial(checkpoints.checkpoint, reader=self._reader, how=how))
            if is_done and await alone(partial(checkpoints.shorten_log, how=how)):
                return
            await sleep(WIPE_PAUSE_S)

    def _after_commit(self, touched: Set[Direction]) -> None:
        """Tell of a commit; checkpoint when the log has grown."""
        self._committed(touched)
        is_due = self._is_service and self.writer.changes >= self._checkpoint_due
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
            self._checkpoint_due = self.writer.changes + self._checkpoint_after
            self._checkpointing = None


def next_checkpoint(changes: int, took_s: float) -> int:
    """Return after how many changed rows the next checkpoint comes."""
    fitting = int(changes * CHECKPOINT_S / max(took_s, 1e-6))
    return max(min(fitting, 2 * changes, MAX_CHANGES), MIN_CHANGES)
