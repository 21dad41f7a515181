"""Group commit: transactions that wait for each other anyway share one commit.

Bodies run one after another inside one SQLite transaction, each but the first in a savepoint of
its own, and a commit for all of them takes its turn behind those that wait already. A caller goes
on only after the commit that contains its work, so that durability costs one flush to disk for
many callers. Cancelling a caller never touches the work of the others: the commit is a task of
its own.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Set
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from storage.engine import Parameters, Row, Statement
from storage.errors import DatabaseStalledError, DatabaseUnavailableError
from storage.queue.direction import Direction
from storage.sqlite import connection as sqlite
from storage.sqlite.connection import Connection, impatient, run, undo
from storage.sqlite.dialect import DIALECT
from storage.sqlite.turns import LOOKS, LOOKS_S, Turns
from storage.uninterrupted import uninterrupted

GROUP_LIMIT = 128
"""So many bodies share a commit at most ..."""

GROUP_AGE_S = 0.02
"""... and none begins this long after the first: it must not wait for ever."""

T = TypeVar("T")


class Group:
    """The transactions that share a commit."""

    def __init__(self) -> None:
        self.bodies = 0
        self.began_at = 0.0
        self.touched: set[Direction] = set()
        self.failure: Exception | None = None
        self.changes = 0
        """How many rows the connection has changed since it was opened, as of the commit."""

        self.ended = asyncio.Event()
        # what follows is the business of the connection's thread
        self.is_begun = False
        self.has_savepoint = False
        self.is_lost = False

    def check(self, raw: sqlite3.Connection) -> None:
        """Refuse to go on when SQLite undid the transaction, as it may when the disk is full.

        A statement would be committed at once, alone.
        """
        self.is_lost = self.is_lost or not raw.in_transaction
        if self.is_lost:
            raise DatabaseStalledError("the database failed and undid the transaction")

    def commit(self, raw: sqlite3.Connection) -> None:
        """Commit for all, or undo the work of all."""
        if not self.is_begun:
            return
        try:
            self.check(raw)
            raw.execute("COMMIT")
        except (sqlite3.Error, DatabaseUnavailableError):
            undo(raw)
            raise
        self.changes = raw.total_changes


class Body:
    """The session of one transaction; its first statement begins it, in the same hop."""

    dialect = DIALECT

    def __init__(
        self, connection: Connection, group: Group, turns: Turns, waits_until: float
    ) -> None:
        self._connection = connection
        self._group = group
        self._turns = turns
        self._waits_until = waits_until
        self._is_begun = False
        self._is_first = False
        self.is_used = False
        self.is_open = True

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        return (await self.batch((sql, parameters or {})))[0]

    async def batch(self, *statements: Statement) -> list[list[Row]]:
        """Run several statements in one go and return the rows of each."""
        if not self.is_open:
            raise RuntimeError("a transaction was used after its end")
        self.is_used = True
        if not self._is_begun and not self._group.is_begun:
            await self._begin_at_once()
        return await self._connection.at_once(partial(self._run, statements))

    async def at_length(self, *statements: Statement) -> list[list[Row]]:
        """Run statements that may take long, while the program goes on."""
        if not self.is_open:
            raise RuntimeError("a transaction was used after its end")
        self.is_used = True
        return await self._connection.call(partial(self._run, statements))

    async def undo(self) -> None:
        """Undo this body, and no other."""
        await self._connection.call(self._undo)

    async def _begin_at_once(self) -> None:
        """Begin the transaction; where another process writes, wait for it in the thread.

        What was waited for the bodies before counts: many that wait do not wait one after another.
        """
        try:
            await self._connection.at_once(impatient(self._begin))
        except DatabaseStalledError:
            left_s = self._waits_until - asyncio.get_running_loop().time()
            if left_s <= 0:
                raise
            await self._connection.call(self._turns.patient(self._begin, left_s))

    def _run(self, statements: tuple[Statement, ...], raw: sqlite3.Connection) -> list[list[Row]]:
        if self._is_begun:
            self._group.check(raw)
        else:
            self._begin(raw)
        return [run(raw, *statement) for statement in statements]

    def _begin(self, raw: sqlite3.Connection) -> None:
        group = self._group
        if group.is_begun:
            group.check(raw)
            if group.has_savepoint:
                raw.execute("RELEASE body")
            raw.execute("SAVEPOINT body")
            group.has_savepoint = True
        else:
            undo(raw)  # what an earlier failure may have left
            raw.execute("BEGIN IMMEDIATE")
            group.is_begun = self._is_first = True
        self._is_begun = True

    def _undo(self, raw: sqlite3.Connection) -> None:
        if not self._is_begun:
            return
        if self._is_first:
            self._group.is_begun = False
            undo(raw)
            return
        self._group.check(raw)
        self._group.is_lost = True  # until its half work is known to be undone
        raw.execute("ROLLBACK TO body")
        self._group.is_lost = False


class Writer:
    """Runs transactions on one connection.

    Args:
        connection: the one.
        committed: is told after each commit.
        turns: with other processes.
        gives_way: whether it lets them by after a commit: one that may go on without a pause.
    """

    def __init__(
        self,
        connection: Connection,
        committed: Callable[[Set[Direction]], None],
        turns: Turns,
        *,
        gives_way: bool,
    ) -> None:
        self.connection = connection
        self._committed = committed
        self._turns = turns
        self._gives_way = gives_way
        self._door = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None
        self._group = Group()
        self._commits: set[asyncio.Task[None]] = set()
        self.changes = 0
        """How many rows were changed and committed."""

    @asynccontextmanager
    async def body(self, touched: Set[Direction]) -> AsyncIterator[Body]:
        """Run the block as one transaction, committed when this ends without an error.

        Args:
            touched: names of what the block changes; filled while it runs.
        """
        if self._owner is asyncio.current_task():
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        waits_until = asyncio.get_running_loop().time() + sqlite.BUSY_TIMEOUT_S
        async with self._door:
            group = await self._open_group()
            body = Body(self.connection, group, self._turns, waits_until)
            try:
                self._owner = asyncio.current_task()
                yield body
            except BaseException:
                await uninterrupted(self._undo(body, group))
                raise
            finally:
                self._owner = None
                body.is_open = False
            if body.is_used:
                self._join(group, touched)
        if body.is_used:
            await group.ended.wait()
            if group.failure is not None:
                kind = _kind_of(group.failure)
                raise kind(str(group.failure)) from group.failure

    async def drain(self) -> None:
        """Wait until everything is committed that was left to be."""
        while self._commits:
            await asyncio.wait(self._commits)

    async def alone(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """Do what cannot be part of a transaction, between two of them."""
        async with self._door:
            await uninterrupted(self._commit(self._group))
            return await uninterrupted(work(self.connection))

    async def _open_group(self) -> Group:
        """Return the group to join: the present one, or a new one when that is full or old."""
        group = self._group
        age_s = asyncio.get_running_loop().time() - group.began_at
        if group.bodies >= GROUP_LIMIT or (group.bodies and age_s >= GROUP_AGE_S):
            await uninterrupted(self._commit(group))
        return self._group

    def _join(self, group: Group, touched: Set[Direction]) -> None:
        """Make a body part of the group; the first one orders the commit."""
        group.bodies += 1
        group.touched |= touched
        if group.bodies == 1:
            group.began_at = asyncio.get_running_loop().time()
            commit = asyncio.create_task(self._commit_in_turn(group))
            self._commits.add(commit)
            commit.add_done_callback(self._commits.discard)

    async def _undo(self, body: Body, group: Group) -> None:
        """Undo one body; when that fails, its group has lost what it had."""
        try:
            await body.undo()
        except Exception:
            await self._commit(group)

    async def _commit_in_turn(self, group: Group) -> None:
        async with self._door:
            await self._commit(group)

    async def _commit(self, group: Group) -> None:
        if group.ended.is_set():
            return
        group.failure = DatabaseUnavailableError("the commit was interrupted")
        try:
            await self.connection.call(group.commit)
            group.failure = None
            self.changes = max(self.changes, group.changes)
            self._committed(group.touched)
        except Exception as error:
            group.failure = error
        finally:
            self._group = Group()
            group.ended.set()
        if self._gives_way and self._turns.must_give_way():
            await self._give_way()

    async def _give_way(self) -> None:
        """Let other processes by: nothing begins meanwhile, as the door is closed."""
        for _look in range(LOOKS):
            await asyncio.sleep(LOOKS_S)
            if not self._turns.must_give_way():
                return


def _kind_of(failure: Exception) -> type[DatabaseUnavailableError]:
    """Return what everybody is told whose work shared a commit that failed."""
    if isinstance(failure, DatabaseStalledError):
        return DatabaseStalledError
    return DatabaseUnavailableError
