"""Schedule the recovery of managers' answers that no webhook brought.

Kommo posts a webhook once. After every start, and after a webhook that could not be stored, the
history of every conversation is read; while the bridge runs, conversations take turns, those with
recent activity every few minutes. What is found is enqueued as its webhook would have been, under
the same key. See decisions 0011 and 0043.
Reference: Kommo, Chat history; Receiving chat webhooks.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.queue.outcomes import RetryPolicy
from bot.receive.catch_up.conversation import Recovery
from bot.receive.catch_up.duties import Duties, Duty
from bot.receive.catch_up.holds import Holds
from bot.receive.catch_up.rounds import FORGOTTEN, Rounds
from kommo.errors import RateLimitedError, RejectedError, RequestError
from storage.database import Database, Transaction
from storage.errors import DatabaseStalledError, StorageError
from storage.heartbeat import Life
from storage.patience import persist

MISSED_SINCE = "missed_since"
"""The fact: since when webhooks may be missing, until every conversation was read."""

READERS = 2
"""Requests at a time; one after another they are few a second, and leave Kommo's limits alone."""

MAX_REFUSALS = 5
TICK_S = 1.0
LONGEST_GAP = timedelta(seconds=60)
"""A clock that moved further than this between two ticks: the machine slept."""

MARGIN = timedelta(seconds=60)
"""A webhook may be under way, and the last sign of life some seconds old."""

QUIET = timedelta(days=30)
"""A conversation silent for longer than this before an outage is not looked at after it."""

RETRY = RetryPolicy(first_s=5.0, factor=2.0, longest_s=300.0, jitter=0.25)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CatchUpPace:
    """How often history is read, and how long webhooks wait for it and it for them.

    Args:
        every_s: the pause between two looks at a conversation with recent activity.
        grace_s: a younger message is left to its webhook.
        hold_s: a webhook waits at most this long for what was missed before it.
        retry: the pauses after a failure.
        calls_per_s: no more than so many pages are read, however many conversations there are.
    """

    every_s: float = 300.0
    grace_s: float = 15.0
    hold_s: float = 10.0
    retry: RetryPolicy = RETRY
    calls_per_s: float = 10.0


class History:
    """Says which conversation is looked at, and when.

    Args:
        database: where webhooks wait, and outages are noted.
        recovery: looks at one conversation.
        recover: how old a message may be; 0 disables recovery.
        pace: how often.
        starts_after: set when Kommo can be asked.
        now: the clock.
    """

    def __init__(
        self,
        database: Database,
        recovery: Recovery,
        *,
        recover: timedelta,
        pace: CatchUpPace,
        starts_after: asyncio.Event,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._recovery = recovery
        self._recover = recover
        self._pace = pace
        self._starts_after = starts_after
        self._now = now
        self._listens_since = self._seen_at = now()
        self._duties = Duties()
        self._holds = Holds(database, hold_s=pace.hold_s, now=now)
        self._outage: set[str] = set()
        self._rounds = Rounds(pace.every_s)
        self._is_failing = False

    @property
    def _is_wanted(self) -> bool:
        return self._recover > timedelta(0)

    async def prepare(self, life: Life) -> None:
        """Learn what the last run left; before the first webhook is taken."""
        self._listens_since = self._now()
        await self._recovery.knowledge.load(life)
        if life.alive_at is not None:
            await self._begin(min(life.alive_at, self._now()) - MARGIN)

    def hold_until(self, conversation_id: str | None) -> datetime | None:
        """Return the moment until which to hold a webhook back during recovery, or None.

        To be asked in the transaction that stores the webhook.
        """
        until = self._holds.until(conversation_id) if conversation_id else None
        if conversation_id and until:
            self._duties.hurry(conversation_id)
        return until

    def note_missed(self, conversation_id: str | None) -> None:
        """Note that a webhook could not be stored: Kommo does not repeat it.

        It is one of these seconds, whatever the clocks say: nothing of them is left to a webhook
        that may be in flight. One that comes all the same is known by then.
        """
        if conversation_id is None or not self._is_wanted:
            return
        self._listens_since = self._now()
        self._holds.begin(conversation_id)
        missed = Duty(self._now() - MARGIN, lost_until=self._now() + MARGIN)
        self._duties.put(conversation_id, missed)

    def note_activity(self, conversation_id: str) -> None:
        """Note that something came of a conversation: more may come, and be lost."""
        self._rounds.note(conversation_id, now=self._now())

    async def catch_up(self, out_s: float) -> None:
        """Read what no webhook brought while Kommo sent none, for a limited time."""
        if out_s == float("inf"):  # it was never there before: the start reads back
            return
        now = self._now()
        self._listens_since = now
        await self._begin(now - timedelta(seconds=out_s) - MARGIN)

    async def run(self) -> None:
        """Read until cancelled; returns at once when the settings do not want it."""
        if not self._is_wanted:
            return
        await self._starts_after.wait()
        async with asyncio.TaskGroup() as tasks:
            for _number in range(READERS):
                tasks.create_task(self._read_on())
            tasks.create_task(self._look_around())

    async def _begin(self, since: datetime) -> None:
        """Begin to read everything after an outage; a restart meanwhile begins it again."""
        if not self._is_wanted:
            return
        since, names = await persist(self._database, partial(_note_outage, since=since))
        self._seen_at = min(self._seen_at, since)
        for name in names:
            self._duties.put(name, Duty(since, lost_until=self._listens_since))
            self._outage.add(name)
            self._holds.begin(name)

    async def _look_around(self) -> None:
        """Notice gaps, and have the conversations read whose turn it is."""
        loop = asyncio.get_running_loop()
        learned_s, ticked_at = float("-inf"), self._now()
        while True:
            await asyncio.sleep(min(TICK_S, self._pace.every_s))
            now = self._now()
            if now - ticked_at > LONGEST_GAP:
                log.warning("no webhook was received for a while", extra={"since": str(ticked_at)})
                self._listens_since = now
                await self._begin(ticked_at - MARGIN)
            ticked_at = now
            if loop.time() - learned_s >= self._pace.every_s:
                learned_s = loop.time()
                async with self._database.snapshot() as snapshot:
                    active = await snapshot.conversations.activity(since=now - FORGOTTEN)
                self._rounds.learn(active, now=now, time_s=learned_s, seen_at=self._seen_at)
            for name, looked_at in self._rounds.due(now=now, time_s=loop.time()).items():
                self._duties.put(name, Duty(looked_at, lost_until=self._listens_since))
            await self._look_for_arrivals()

    async def _look_for_arrivals(self) -> None:
        """Have those read of which something has reached Kommo by now, or never will."""
        unreached = list(self._duties.unreached)
        if not unreached:
            return
        async with self._database.snapshot() as snapshot:
            waiting = await snapshot.to_kommo.waits_for(unreached)
            reached = await snapshot.messages.reached_kommo(unreached)
        for name in set(self._duties.unreached) & set(unreached):
            if name in reached or name not in waiting:
                self._duties.arrived(name)

    async def _read_on(self) -> None:
        """Read one conversation after another."""
        while True:
            taken = self._duties.take()
            if taken is not None:
                await self._fulfil(*taken)
            else:
                await self._duties.wait(TICK_S)

    async def _fulfil(self, name: str, duty: Duty) -> None:
        """Read a conversation; one that cannot be read holds up nobody, and is tried again."""
        loss = self._holds.loss_of(name)
        try:
            looked = await self._recovery.look(
                name,
                missed_since=duty.missed_since,
                lost_until=duty.lost_until,
                let_go=partial(self._holds.let_go, name=name, loss=loss),
            )
        except Exception as error:
            if isinstance(error, StorageError) and not isinstance(error, DatabaseStalledError):
                raise
            pause_s = await self._failed(name, duty, error)
            if duty.failures > 1 or not pause_s or pause_s > self._pace.hold_s:
                await self._holds.release(name, loss)  # else it is soon read, and keeps the order
            await asyncio.sleep(min(pause_s, TICK_S))
            return
        self._is_failing = False
        if looked == "unreached":  # until it is known to be there, what was lost cannot be read
            self._duties.put_off(name, duty)
            return
        await self._holds.release(name, loss)
        if looked == "done":
            await self._ended(name)
        else:
            self._duties.again(name, duty, self._pace.grace_s)

    async def _failed(self, name: str, duty: Duty, error: Exception) -> float:
        """Have a conversation read later, unless that has no use; return in how many seconds."""
        duty.failures += 1
        is_known = isinstance(error, RequestError | StorageError)
        log.log(
            logging.DEBUG if self._is_failing and is_known else logging.WARNING,
            "history could not be read: %s",
            error if is_known else type(error).__name__,
            exc_info=None if is_known else error,
            extra={"conversation": name},
        )
        self._is_failing = True
        if not is_known or (isinstance(error, RejectedError) and duty.failures >= MAX_REFUSALS):
            await self._ended(name)
            return 0.0
        after_s = error.retry_after_s if isinstance(error, RateLimitedError) else None
        pause_s = self._pace.retry.delay_s(duty.failures, after_s, 0.5)
        self._duties.again(name, duty, pause_s)
        return pause_s

    async def _ended(self, name: str) -> None:
        """Note that a conversation was read; with the last one, an outage is over."""
        if name not in self._outage:
            return
        self._outage.discard(name)
        if not self._outage:
            await persist(self._database, lambda tx: tx.facts.delete(MISSED_SINCE))
            log.info("recovery finished: all conversations were checked for missed answers")


async def _note_outage(tx: Transaction, *, since: datetime) -> tuple[datetime, list[str]]:
    """Note since when webhooks may be missing; return that, and the conversations to look at."""
    earlier = await tx.facts.get(MISSED_SINCE)
    since = min(since, datetime.fromisoformat(earlier)) if earlier else since
    names = await tx.conversations.by_activity(since=since - QUIET)
    if names:
        await tx.facts.put(MISSED_SINCE, since.isoformat())
    return since, names
