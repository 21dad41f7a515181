"""What managers wrote and no webhook brought: read back from the chats' history.

Kommo posts a hook once. After every start, and after a hook that could not be stored, the history
of each conversation is read; every few minutes that of those with recent activity. What is found
goes into the inbox as its hook would have, under the same key. See decision 0011.
Reference: Kommo, Chat history; Receiving chat webhooks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from bot.items import Kind, Lifetimes, put_status
from bot.outcome import RetryPolicy
from bot.patience import persist
from bot.pulse import Life
from bot.translate import status
from bot.translate.ids import participant_id
from bot.translate.languages import Language, in_language
from bot.translate.missed import Bounds, Window, in_order, of_client, of_managers
from kommo.answers import CreatedChat, HistoryMessage
from kommo.errors import RateLimitedError, RejectedError, RequestError
from kommo.events import ManagerMessage, parse_event, webhook_of
from kommo.ids import AmojoId, ConversationId, KommoChatId, KommoUserId, SourceId
from kommo.models import NewChat, Person, StatusCode
from storage.conversations import Conversation
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.queue import QueueItem

KNOWS_SINCE, MISSED_SINCE = "history_since", "missed_since"
"""Notes: since when the database knows what was delivered; since when hooks may be missing."""

PAGE = 50
PAGES = 40
"""The newest 2,000 rows of a conversation are looked at."""

READERS = 2
"""Requests at a time; one after another they are few a second, and leave Kommo's limits alone."""

MOST_REFUSALS = 5
TICK_S = 1.0
LONGEST_GAP = timedelta(seconds=60)
"""A clock that moved further than this between two ticks: the machine slept."""

MARGIN = timedelta(seconds=60)
"""A hook may be under way, and the last sign of life some seconds old."""

RETRY = RetryPolicy(first_s=5.0, factor=2.0, longest_s=300.0, jitter=0.25)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often history is read, and how long hooks wait for it and it for them.

    Args:
        every_s: the pause between two looks at the conversations with recent activity.
        grace_s: a younger message is left to its hook.
        hold_s: a hook waits at most this long for what was missed before it.
        retry: the pauses after a failure.
    """

    every_s: float = 300.0
    grace_s: float = 15.0
    hold_s: float = 10.0
    retry: RetryPolicy = RETRY


@dataclass(frozen=True)
class Owner:
    """Whose history it is."""

    account_id: AmojoId
    channel_bot_id: KommoUserId | None
    language: Language


class ReadPage(Protocol):
    """Returns a page of a chat's history, newest first."""

    async def __call__(
        self, kommo_chat_id: KommoChatId, *, offset: int, limit: int
    ) -> list[HistoryMessage]:
        """Read it."""
        ...


FindChat = Callable[[NewChat], Awaitable[CreatedChat]]
"""Returns Kommo's id of a conversation that it has."""


@dataclass
class Duty:
    """A conversation to be read.

    Args:
        missed_since: since when its hooks may be missing; None when nothing is known of that.
        lost_until: hooks of what was written until then are lost, and not waited for.
        not_before: by the event loop's clock.
        failures: how often in a row it could not be read.
    """

    missed_since: datetime | None
    lost_until: datetime
    not_before: float = 0.0
    failures: int = 0


class History:
    """Finds what no hook brought."""

    def __init__(
        self,
        database: Database,
        read: ReadPage,
        find_chat: FindChat,
        *,
        owner: Owner,
        recover: timedelta,
        lifetimes: Lifetimes,
        pace: Pace,
        starts_after: asyncio.Event,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._read = read
        self._find_chat = find_chat
        self._owner = owner
        self._recover = recover
        self._lifetimes = lifetimes
        self._pace = pace
        self._starts_after = starts_after
        self._now = now
        self._knows_since = self._listens_since = now()
        self._duties: dict[str, Duty] = {}
        self._urgent: list[str] = []
        self._holding: set[str] = set()
        self._outage: set[str] = set()
        self._woken = asyncio.Event()

    @property
    def _is_wanted(self) -> bool:
        return self._recover > timedelta(0)

    async def prepare(self, life: Life) -> None:
        """Learn what the last run left; before the first hook is taken."""
        now = self._listens_since = self._now()
        async with self._database.transaction() as tx:
            since = _moment(await tx.notes.get(KNOWS_SINCE))
            if since is None or not life.is_continued:
                if life.alive_at is not None:
                    log.warning(
                        "the database was restored, moved or upgraded: what managers wrote "
                        "before this start is not read back from Kommo's history"
                    )
                since = _millisecond(now)
                await tx.notes.put(KNOWS_SINCE, since.isoformat())
                await tx.notes.delete(MISSED_SINCE)
        self._knows_since = since
        if life.alive_at is not None and life.is_continued:
            await self._begin(life.alive_at - MARGIN)

    def hold_until(self, conversation_id: str | None) -> datetime | None:
        """Return until when a hook waits, while what was missed before it is read; None: not.

        To be asked in the transaction that stores the hook.
        """
        if conversation_id not in self._holding:
            return None
        self._urgent.append(conversation_id)
        self._woken.set()
        return self._now() + timedelta(seconds=self._pace.hold_s)

    def note_missed(self, conversation_id: str | None) -> None:
        """Note that a hook could not be stored: Kommo does not repeat it."""
        if conversation_id is None or not self._is_wanted:
            return
        self._listens_since = self._now()
        self._holding.add(conversation_id)
        self._add(conversation_id, self._now() - MARGIN)

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
        async with self._database.transaction() as tx:
            earlier = _moment(await tx.notes.get(MISSED_SINCE))
            since = min(since, earlier) if earlier else since
            names = await tx.conversations.by_activity()
            if names:
                await tx.notes.put(MISSED_SINCE, since.isoformat())
        for name in names:
            self._add(name, since)
            self._outage.add(name)
            self._holding.add(name)

    def _add(self, name: str, missed_since: datetime | None) -> None:
        """Have a conversation read, from the earliest moment that anybody asked for."""
        self._put(name, Duty(missed_since, lost_until=self._listens_since))
        self._woken.set()

    def _put(self, name: str, duty: Duty) -> None:
        known = self._duties.get(name)
        if known is None:
            self._duties[name] = duty
            return
        moments = [one.missed_since for one in (known, duty) if one.missed_since]
        known.missed_since = min(moments, default=None)
        known.lost_until = max(known.lost_until, duty.lost_until)
        known.not_before = min(known.not_before, duty.not_before)

    async def _look_around(self) -> None:
        """Notice gaps, and have the conversations with recent activity read now and then."""
        loop = asyncio.get_running_loop()
        looked_at, ticked_at = loop.time(), self._now()
        while True:
            await asyncio.sleep(min(TICK_S, self._pace.every_s))
            now = self._now()
            if now - ticked_at > LONGEST_GAP:
                log.warning("nothing was received for a while", extra={"since": str(ticked_at)})
                self._listens_since = now
                await self._begin(ticked_at - MARGIN)
            ticked_at = now
            if loop.time() - looked_at >= self._pace.every_s:
                looked_at = loop.time()
                async with self._database.snapshot() as snapshot:
                    recent = await snapshot.conversations.by_activity(since=now - self._recover)
                for name in recent:
                    self._add(name, None)

    async def _read_on(self) -> None:
        """Read one conversation after another."""
        while True:
            name = self._next()
            if name is not None:
                await self._fulfil(name, self._duties.pop(name))
                continue
            self._woken.clear()
            try:
                async with asyncio.timeout(TICK_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _next(self) -> str | None:
        """Return what to read now: where a hook waits, else what waits longest."""
        time = asyncio.get_running_loop().time()
        while self._urgent:
            name = self._urgent.pop(0)
            if name in self._duties:
                return name
        due = (name for name, duty in self._duties.items() if duty.not_before <= time)
        return next(due, None)

    async def _fulfil(self, name: str, duty: Duty) -> None:
        """Read a conversation; one that cannot be read holds up nobody, and is tried again."""
        try:
            is_done = await self._recover_in(name, duty)
        except StorageError:
            raise
        except Exception as error:
            await self._failed(name, duty, error)
            return
        if is_done:
            await self._ended(name)
        else:
            self._again(name, duty, self._pace.grace_s)

    async def _failed(self, name: str, duty: Duty, error: Exception) -> None:
        """Let what waits for a conversation go on, and try to read it later."""
        await self._release(name)
        duty.failures += 1
        is_known = isinstance(error, RequestError)
        log.warning(
            "history could not be read: %s",
            error if is_known else type(error).__name__,
            exc_info=None if is_known else error,
            extra={"conversation": name},
        )
        if not is_known or (isinstance(error, RejectedError) and duty.failures >= MOST_REFUSALS):
            await self._ended(name)
            return
        after_s = error.retry_after_s if isinstance(error, RateLimitedError) else None
        pause_s = self._pace.retry.delay_s(duty.failures, after_s, 0.5)
        self._again(name, duty, pause_s)
        await asyncio.sleep(min(pause_s, TICK_S))

    def _again(self, name: str, duty: Duty, after_s: float) -> None:
        """Read a conversation once more, later."""
        duty.not_before = asyncio.get_running_loop().time() + after_s
        self._put(name, duty)

    async def _ended(self, name: str) -> None:
        """Note that a conversation was read; with the last one, an outage is over."""
        if name not in self._outage:
            return
        self._outage.discard(name)
        if not self._outage:
            await persist(self._database, lambda tx: tx.notes.delete(MISSED_SINCE))
            log.info("every conversation was looked at for answers that no webhook brought")

    async def _recover_in(self, name: str, duty: Duty) -> bool:
        """Put into the inbox what a conversation misses; False to look once more soon."""
        async with self._database.snapshot() as snapshot:
            known = await snapshot.conversations.get(name)
        chat_id = await self._chat_of(known) if known else None
        if known is None or chat_id is None:
            await self._release(name)
            return True
        now = self._now()
        bounds = Bounds(
            recover=self._recover,
            knows_since=self._knows_since,
            listens_since=duty.lost_until,
            grace=timedelta(seconds=self._pace.grace_s),
        )
        window = bounds.window(known_at=known.created_at, missed_since=duty.missed_since, now=now)
        rows = await self._rows(chat_id, window.since)
        ours = ConversationId(name)
        if await self._has_gaps(of_client(rows, ours)):
            await self._forget_the_past()
            rows = []
        written = of_managers(rows, channel_bot_id=self._owner.channel_bot_id)
        unknown = await self._unknown(written)
        missed = [row for row in unknown if not window.leaves_to_hook(row.at)]
        if missed or name in self._holding:
            store = partial(self._store, name=ours, chat_id=chat_id, missed=missed, window=window)
            await persist(self._database, store)
        return len(missed) == len(unknown)

    async def _chat_of(self, known: Conversation) -> KommoChatId | None:
        """Return Kommo's id of a conversation; None when Kommo has nothing of it."""
        if known.kommo_chat_id:
            return KommoChatId(known.kommo_chat_id)
        async with self._database.snapshot() as snapshot:
            if not await snapshot.messages.has_reached_kommo(known.conversation_id):
                return None
        chat = await self._find_chat(
            NewChat(
                conversation_id=ConversationId(known.conversation_id),
                source_id=SourceId(known.source_id) if known.source_id else None,
                user=Person(id=participant_id(known.chat_id), name=known.name),
            )
        )
        await persist(
            self._database,
            lambda tx: tx.conversations.bind_kommo(
                known.conversation_id, chat.kommo_chat_id, chat.user_id
            ),
        )
        return chat.kommo_chat_id

    async def _rows(self, chat_id: KommoChatId, since: datetime) -> list[HistoryMessage]:
        """Return a chat's messages since a moment."""
        found: dict[str, HistoryMessage] = {}
        for page in range(PAGES):
            rows = await self._read(chat_id, offset=page * PAGE, limit=PAGE)
            found |= {row.kommo_message_id: row for row in rows if row.at >= since}
            if len(rows) < PAGE or min(row.at for row in rows) < since:
                break
        return list(found.values())

    async def _has_gaps(self, external_ids: Sequence[str]) -> bool:
        """Tell whether Kommo has messages of the client that this database never sent.

        Then the database is from before them, and knows nothing of what was delivered since.
        """
        async with self._database.snapshot() as snapshot:
            known = await snapshot.messages.known_external(external_ids)
            rest = set(external_ids) - known
            return bool(rest - await snapshot.outbox.known(rest))

    async def _forget_the_past(self) -> None:
        """From now on, deliver nothing that was written before now."""
        log.error(
            "Kommo has messages that this database does not know: it is from an older backup; "
            "what managers wrote before now is not read back from Kommo's history"
        )
        now = self._knows_since = _millisecond(self._now())
        await persist(self._database, lambda tx: tx.notes.put(KNOWS_SINCE, now.isoformat()))

    async def _unknown(self, rows: Sequence[HistoryMessage]) -> list[HistoryMessage]:
        """Return the messages that neither a hook brought nor this bridge sent, oldest first."""
        async with self._database.snapshot() as snapshot:
            keys = await snapshot.inbox.known(_key(row) for row in rows)
            ids = await snapshot.messages.known_kommo(row.kommo_message_id for row in rows)
        unknown = [
            row for row in rows if _key(row) not in keys and row.kommo_message_id not in ids
        ]
        return sorted(unknown, key=lambda row: row.at)

    async def _store(
        self,
        tx: Transaction,
        *,
        name: ConversationId,
        chat_id: KommoChatId,
        missed: Sequence[HistoryMessage],
        window: Window,
    ) -> None:
        """Store what was missed, in order with the hooks that came meanwhile."""
        known = await tx.inbox.known(_key(row) for row in missed)
        missed = [row for row in missed if _key(row) not in known]
        fresh = [row for row in missed if row.at >= window.send_from]
        for row in missed:
            if row.at < window.send_from:
                await self._report(tx, row, name, chat_id)
        waiting = [(_at(item), item) for item in await tx.inbox.untried(name)] if fresh else []
        for place in in_order(fresh, waiting):
            if place.missed is not None:
                await self._add_message(tx, place.missed, name, chat_id)
            elif place.waiting is not None:
                await tx.inbox.put_behind(place.waiting)
        await self._let_go(tx, name=name)
        if fresh:
            log.warning(
                "%d answers were read back from Kommo's history: no webhook brought them",
                len(fresh),
                extra={"conversation": name},
            )

    async def _release(self, name: str) -> None:
        """Let the hooks go on that wait for a conversation, if it is one they wait for."""
        if name in self._holding:
            await persist(self._database, partial(self._let_go, name=name))

    async def _let_go(self, tx: Transaction, *, name: str) -> None:
        self._holding.discard(name)
        await tx.inbox.go_on(name, now=self._now())

    async def _add_message(
        self, tx: Transaction, row: HistoryMessage, name: ConversationId, chat_id: KommoChatId
    ) -> None:
        now = self._now()
        await tx.inbox.add(
            dedupe_key=_key(row),
            ordering_key=name,
            conversation_id=name,
            kind=Kind.MANAGER_MESSAGE,
            payload=self._payload(row, name, chat_id),
            now=now,
            expires_at=now + self._lifetimes.to_telegram,
            urgency="later",
        )

    async def _report(
        self, tx: Transaction, row: HistoryMessage, name: ConversationId, chat_id: KommoChatId
    ) -> None:
        """Keep a message that is too old to be sent for a person, and tell the manager."""
        at = row.at.isoformat(timespec="seconds")
        reason = f"no webhook came; written at {at}, longer ago than delivery.recover_h"
        now = self._now()
        await tx.inbox.park(
            dedupe_key=_key(row),
            ordering_key=name,
            conversation_id=name,
            kind=Kind.MANAGER_MESSAGE,
            payload=self._payload(row, name, chat_id),
            now=now,
            reason=reason,
        )
        await put_status(
            tx,
            row.kommo_message_id,
            StatusCode.ERROR,
            conversation_id=name,
            now=now,
            lifetimes=self._lifetimes,
            error_code=status.MISSED.code,
            error=in_language(status.MISSED.text, self._owner.language),
        )
        log.error("not delivered to Telegram: %s", reason, extra={"conversation": name})

    def _payload(self, row: HistoryMessage, name: ConversationId, chat_id: KommoChatId) -> str:
        return webhook_of(
            row,
            account_id=self._owner.account_id,
            kommo_chat_id=chat_id,
            conversation_id=name,
        ).decode()


def _key(row: HistoryMessage) -> str:
    """Return the dedupe key that the message's hook has."""
    return f"message:{row.kommo_message_id}"


def _at(item: QueueItem) -> datetime:
    """Return when what waits was written."""
    event = parse_event(item.payload.encode())
    return event.at if isinstance(event, ManagerMessage) else item.created_at


def _millisecond(moment: datetime) -> datetime:
    """Return a moment as exactly as Kommo tells moments: by no part of it later."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
