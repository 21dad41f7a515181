"""Clear a call to begin: its turn, room in the journal, a client to go to.

One call of a bot is in flight at a time, none begins that could not be recorded, and after a stop
none begins at all. See decision 0003.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from bot.deliver.telegram.journal import Journal, Step
from bot.deliver.telegram.stagger import BRIEF_S, HOLD_S, NotBegunError, StoppedError, Turn, Turns
from storage.database import Database
from storage.queue.reader import QueueItem

AGAIN_S = 0.25
"""How often is looked whether the journal takes a line again."""


class ForgottenError(NotBegunError):
    """The client was forgotten meanwhile."""


@dataclass(eq=False)
class Send:
    """One call on its way, and how far it came."""

    bot_id: int
    item: QueueItem
    step: Step
    lane: str
    turn: Turn | None = None
    is_begun: bool = False
    is_over: bool = False
    kept_from: NotBegunError | None = None

    @property
    def chat(self) -> str:
        """Name where it goes."""
        return self.item.ordering_key

    def end(self) -> None:
        """Pass the turn on; what still waits to begin never will."""
        self.is_over = True
        if self.turn is not None:
            self.turn.end()


class Clearance:
    """Lets the calls of all bots begin, each when it may.

    Args:
        hold_s: a call that is not answered holds up the others of its bot no longer than so.
    """

    def __init__(
        self, bots: Iterable[int], database: Database, journal: Journal, *, hold_s: float = HOLD_S
    ) -> None:
        self._database = database
        self._journal = journal
        self._hold_s = hold_s
        self._turns = {bot_id: Turns() for bot_id in bots}
        self._hung: set[str] = set()
        self._waited_s: dict[int, float] = defaultdict(float)
        self._freed = asyncio.Event()
        self._is_stopped = False

    def stop(self) -> None:
        """Start no new calls; those in flight go on."""
        self._is_stopped = True
        self._freed.set()
        for turns in self._turns.values():
            turns.stop()

    def check(self) -> None:
        """Refuse what would begin after a stop.

        Raises:
            StoppedError: nothing begins any more.
        """
        if self._is_stopped:
            raise StoppedError

    def recorded(self) -> None:
        """Learn that there may be room in the journal again."""
        self._freed.set()

    def waited_s(self, item: QueueItem) -> float:
        """Return how long the calls of an attempt waited for their turns; asked once."""
        return self._waited_s.pop(item.id, 0.0)

    def answered(self, send: Send) -> None:
        """Learn that a chat's calls are answered."""
        self._hung.discard(send.chat)

    def unanswered(self, send: Send) -> None:
        """Learn that a call was not; the next one to its chat holds up the others briefly."""
        if send.turn is not None and send.turn.was_too_long:
            self._hung.add(send.chat)

    async def begin_in_time(self, send: Send, limit: asyncio.Timeout) -> None:
        """Begin a call whose time stands still meanwhile."""
        loop = asyncio.get_running_loop()
        left_s = (limit.when() or loop.time()) - loop.time()
        limit.reschedule(None)
        await self.begin(send)
        limit.reschedule(loop.time() + left_s)

    async def begin(self, send: Send) -> None:
        """Wait for the turn, and for what makes sure that the call can be recorded."""
        since = asyncio.get_running_loop().time()
        try:
            send.turn = await self._turns[send.bot_id].turn(send.lane)
            await self._has_room(send)
            await self._check_known(send.item)
            while not (self._may_begin(send) and self._journal.begin(send.step, send.bot_id)):
                await self._changed()
        except NotBegunError as error:
            send.kept_from = error  # the HTTP client wraps it
            raise
        finally:
            self._waited_s[send.item.id] += asyncio.get_running_loop().time() - since
            if send.is_over:
                send.end()
        send.is_begun = True
        send.turn.begin(self._hold_of(send))

    async def _has_room(self, send: Send) -> None:
        while not self._may_begin(send):
            await self._changed()

    def _may_begin(self, send: Send) -> bool:
        """Tell whether a call may begin now: what comes of it could be recorded."""
        if self._is_stopped or send.is_over:
            raise StoppedError
        return self._journal.has_room(send.bot_id)

    async def _changed(self) -> None:
        """Wait until something was recorded; the disk may take a line again without that."""
        self._freed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_S):
                await self._freed.wait()

    async def _check_known(self, item: QueueItem) -> None:
        async with self._database.snapshot() as snapshot:
            if await snapshot.to_telegram.get(item.id) is None:
                raise ForgottenError

    def _hold_of(self, send: Send) -> float:
        """Return how long a call may hold up the bot's others."""
        return min(BRIEF_S, self._hold_s) if send.chat in self._hung else self._hold_s
