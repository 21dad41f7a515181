"""What one conversation misses: its history compared with what is known here, and put in order.

Reference: Kommo, Chat history.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, Protocol

from bot.conversations.kommo_chats import KommoChats
from bot.queue.enqueue import Enqueue
from bot.queue.items import Kind, Lifetimes
from bot.receive.catch_up.rounds import Throttle
from bot.receive.catch_up.window import (
    Bounds,
    Window,
    believable,
    in_order,
    of_client,
    of_managers,
)
from bot.translate.languages import Language, in_language
from bot.translate.outgoing import refusals
from bot.words import counted
from kommo.answers import HistoryMessage, HistoryPage
from kommo.events import ManagerMessage, parse_event, webhook_of
from kommo.ids import (
    AmojoId,
    ConversationId,
    ExternalMessageId,
    KommoChatId,
    KommoMessageId,
    KommoUserId,
)
from kommo.models import StatusCode
from storage.conversations import Conversation
from storage.database import Database, Transaction
from storage.heartbeat import Life
from storage.patience import persist
from storage.queue.reader import QueueItem

KNOWS_SINCE = "history_since"
"""The note that says since when there is the database: what was before is not its business."""

DOUBTFUL_UNTIL = "doubtful_until"
"""The note that says of before when the database does not know what was delivered."""

MONTH = timedelta(days=30)
"""When a conversation began that is older matters to no window."""

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)

EVIDENCE = 2
"""So many conversations in doubt are no accident: all of them are."""

PAGE, PAGES = 50, 40
"""The newest 2,000 rows of a conversation are looked at."""

Looked = Literal["done", "again", "unreached"]
"""What came of a look: all is known; look once more soon; Kommo has nothing of it yet."""

TOO_OLD = "no webhook came; written at {at}, longer ago than delivery.recover_h"
DOUBTFUL = (
    "written at {at}, before the database was put back from a copy: it may have been delivered; "
    "look into the chat before you retry it"
)

log = logging.getLogger(__name__)


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
    ) -> HistoryPage:
        """Read it."""
        ...


LetGo = Callable[[Transaction], Awaitable[None]]
"""Lets the webhooks go on that wait for a conversation, in the transaction that stores it."""


@dataclass(frozen=True)
class _Place:
    """A conversation, and in which of its chats each message is."""

    conversation_id: ConversationId
    chat_of: Mapping[KommoMessageId, KommoChatId]


class Recovery:
    """Reads a conversation's history, and stores what managers wrote and no webhook brought.

    Args:
        database: where to.
        read: reads a page of a history.
        kommo_chats: tells every chat of a conversation.
        owner: whose history it is.
        recover: how old a message may be to be sent.
        grace: a younger message is left to its webhook.
        lifetimes: how long an item is tried.
        now: the clock.
        calls_per_s: how many pages are read in a second at most.
        ahead_s: by how many seconds it is ahead of Kommo's, as far as that is known.
    """

    def __init__(
        self,
        database: Database,
        read: ReadPage,
        kommo_chats: KommoChats,
        *,
        owner: Owner,
        recover: timedelta,
        grace: timedelta,
        lifetimes: Lifetimes,
        now: Callable[[], datetime],
        calls_per_s: float,
        ahead_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._database = database
        self._read = read
        self._kommo_chats = kommo_chats
        self._owner = owner
        self._recover = recover
        self._grace = grace
        self._lifetimes = lifetimes
        self._now = now
        self._throttle = Throttle(calls_per_s)
        self._ahead_s = ahead_s
        self._knows_since = ALWAYS
        self._doubtful_until = ALWAYS
        self._doubted: set[str] = set()
        self._left: dict[KommoMessageId, float] = {}
        self._evidence = EVIDENCE
        self._loaded_at = now()

    async def load(self, life: Life) -> None:
        """Learn of which time the database knows what was delivered; see decision 0043."""
        self._loaded_at = now = _as_kommo_tells(self._now())
        self._evidence = 1 if life.origin == "unknown" else EVIDENCE
        async with self._database.transaction() as tx:
            noted = await tx.facts.get(KNOWS_SINCE)
            await self._know_since(tx, moment=datetime.fromisoformat(noted) if noted else now)
            doubtful = await tx.facts.get(DOUBTFUL_UNTIL)
            self._doubtful_until = datetime.fromisoformat(doubtful) if doubtful else ALWAYS
            if life.origin == "copied":
                log.warning(
                    "the database was restored or moved: whether answers that it does not know "
                    "were delivered before this start is not known; they are not sent, "
                    "`kommo-telegram queue list` shows them"
                )
                await self._doubt_all(tx, now)

    async def look(
        self,
        name: str,
        *,
        missed_since: datetime | None,
        lost_until: datetime,
        let_go: LetGo,
    ) -> Looked:
        """Put into the inbox what a conversation misses.

        Args:
            name: our id of the conversation.
            missed_since: since when webhooks may be missing; None when nothing is known of that.
            lost_until: webhooks of what was written until then are lost, and not waited for.
            let_go: done where something is stored.
        """
        async with self._database.snapshot() as snapshot:
            known = await snapshot.conversations.get(name)
            waits = await snapshot.to_kommo.waits_for([name])
        chat_ids = await self._kommo_chats.every_of(known) if known else ()
        if known is None or not chat_ids:
            return "unreached" if known and waits else "done"
        window = await self._window(known, missed_since, lost_until)
        found = {chat_id: await self._rows(chat_id, window.since) for chat_id in chat_ids}
        rows = [row for chat in found.values() for row in chat]
        chat_of = {row.kommo_message_id: chat for chat, some in found.items() for row in some}
        place = _Place(ConversationId(name), chat_of)
        foreign = await self._foreign(of_client(rows, place.conversation_id))
        if await self._is_evidence(name, foreign, missed_since, lost_until):
            window = await self._window(known, missed_since, lost_until)
        since = max(window.since, window.own_from) if foreign else window.since
        written = of_managers(rows, channel_bot_id=self._owner.channel_bot_id)
        unknown = await self._unknown([row for row in written if row.at >= since])
        missed = [row for row in unknown if not self._leaves_to_webhook(row, window)]
        if missed:
            store = partial(self._store, place=place, missed=missed, window=window, let_go=let_go)
            await persist(self._database, store)
        return "done" if len(missed) == len(unknown) else "again"

    async def _window(
        self, known: Conversation, missed_since: datetime | None, lost_until: datetime
    ) -> Window:
        """Return which messages of a conversation are looked at."""
        name = known.conversation_id
        async with self._database.snapshot() as snapshot:
            doubtful = await snapshot.doubts.until(name)
            is_old = known.created_at < self._now() - self._recover - MONTH
            first_at = await snapshot.messages.first_at(name) if not is_old else None
        if self._knows_since > self._now():
            await persist(self._database, partial(self._know_since, moment=ALWAYS))
        bounds = Bounds(
            recover=self._recover,
            known_at=max(known.created_at, self._knows_since),
            first_at=max(first_at or known.created_at, self._knows_since),
            doubtful_until=max(map(self._believed, (self._doubtful_until, doubtful or ALWAYS))),
            listens_since=lost_until,
            grace=self._grace,
            ahead=self._ahead,
        )
        return bounds.window(missed_since=missed_since, now=self._now())

    def _believed(self, doubtful_until: datetime) -> datetime:
        """Return until when to doubt: no clock that was set back since makes it longer."""
        return doubtful_until if doubtful_until <= self._now() else self._loaded_at

    async def _know_since(self, tx: Transaction, *, moment: datetime) -> None:
        """Note since when there is the database; always, if that was noted by a clock ahead."""
        self._knows_since = moment
        await tx.facts.put(KNOWS_SINCE, moment.isoformat())

    @property
    def _ahead(self) -> timedelta:
        return believable(timedelta(seconds=self._ahead_s() or 0.0))

    def _leaves_to_webhook(self, row: HistoryMessage, window: Window) -> bool:
        """Tell whether a message's webhook may be in flight; for a while, whatever clocks say."""
        now_s = asyncio.get_running_loop().time()
        if not window.leaves_to_webhook(row.at):
            self._left.pop(row.kommo_message_id, None)
            return False
        left_s = self._left.setdefault(row.kommo_message_id, now_s)
        if now_s - left_s < self._grace.total_seconds():
            return True
        del self._left[row.kommo_message_id]
        return False

    async def _rows(self, chat_id: KommoChatId, since: datetime) -> list[HistoryMessage]:
        """Return a chat's newest messages, at least those since a moment."""
        found: dict[str, HistoryMessage] = {}
        for page in range(PAGES):
            await asyncio.sleep(self._throttle.wait_s(asyncio.get_running_loop().time()))
            rows = await self._read(chat_id, offset=page * PAGE, limit=PAGE)
            found |= {row.kommo_message_id: row for row in rows}
            if rows.told < PAGE or (rows and rows[-1].at < since):
                break
        return list(found.values())

    async def _foreign(
        self, rows: Mapping[ExternalMessageId, HistoryMessage]
    ) -> Sequence[HistoryMessage]:
        """Return the client's messages that this database never told Kommo of."""
        async with self._database.snapshot() as snapshot:
            known = await snapshot.messages.known_external(rows)
            known |= await snapshot.to_kommo.known(rows.keys() - known)
            known |= (await snapshot.imports.states(rows.keys() - known)).keys()
        return [row for external_id, row in rows.items() if external_id not in known]

    async def _is_evidence(
        self,
        name: str,
        foreign: Sequence[HistoryMessage],
        missed_since: datetime | None,
        lost_until: datetime,
    ) -> bool:
        """Tell whether a conversation shows that the database is from an older copy.

        Then Kommo has messages of the client from the time in which the bridge was away as far as
        this database knows. A few of them are no reason to doubt what others were sent.
        """
        if missed_since is None or name in self._doubted:
            return False
        if not any(missed_since <= row.at + self._ahead < lost_until for row in foreign):
            return False
        self._doubted.add(name)
        await persist(self._database, partial(self._doubt, name=name, until=lost_until))
        return True

    async def _doubt(self, tx: Transaction, *, name: str, until: datetime) -> None:
        """Note that nothing is known of what was delivered in a conversation before a moment."""
        if await tx.conversations.get(name) is None:
            return  # forgotten while Kommo was asked
        log.error(
            "Kommo has messages of a client that this database does not know: it is from an older "
            "backup; answers from before now that it does not know are not sent, "
            "`kommo-telegram queue list` shows them",
            extra={"conversation": name},
        )
        await tx.doubts.save(name, until=until)
        if len(self._doubted) >= self._evidence:
            await self._doubt_all(tx, until)

    async def _doubt_all(self, tx: Transaction, until: datetime) -> None:
        """Note that nothing is known of what was delivered before a moment."""
        self._doubtful_until = max(self._doubtful_until, _as_kommo_tells(until))
        await tx.facts.put(DOUBTFUL_UNTIL, self._doubtful_until.isoformat())

    async def _unknown(self, rows: Sequence[HistoryMessage]) -> list[HistoryMessage]:
        """Return messages that no webhook brought and this bridge did not send, oldest first."""
        async with self._database.snapshot() as snapshot:
            keys = await snapshot.to_telegram.known(_key(row) for row in rows)
            ids = await snapshot.messages.known_kommo(row.kommo_message_id for row in rows)
        unknown = [
            row
            for row in reversed(rows)  # of one moment, too, the oldest first
            if _key(row) not in keys and row.kommo_message_id not in ids
        ]
        return sorted(unknown, key=lambda row: row.at)

    async def _store(
        self,
        tx: Transaction,
        *,
        place: _Place,
        missed: Sequence[HistoryMessage],
        window: Window,
        let_go: LetGo,
    ) -> None:
        """Store what was missed, in order with the webhooks that came meanwhile."""
        if await tx.conversations.get(place.conversation_id) is None:
            return  # forgotten while Kommo was asked
        known = await tx.to_telegram.known(_key(row) for row in missed)
        missed = [row for row in missed if _key(row) not in known]
        fresh = [row for row in missed if row.at >= max(window.send_from, window.sure_from)]
        for row in missed:
            if row.at < window.sure_from:
                await self._report(tx, row, place, DOUBTFUL, refusals.UNSURE)
            elif row.at < window.send_from:
                await self._report(tx, row, place, TOO_OLD, refusals.MISSED)
        waiting = await tx.to_telegram.untried(place.conversation_id) if fresh else []
        for one in in_order(fresh, [(_at(item), item) for item in waiting]):
            if one.missed is not None:
                await self._add_message(tx, one.missed, place)
            elif one.waiting is not None:
                await tx.to_telegram.put_behind(one.waiting)
        await let_go(tx)
        if fresh:
            log.warning(
                "read back from Kommo's history, as no webhook brought it: %s",
                counted(len(fresh), "answer"),
                extra={"conversation": place.conversation_id},
            )

    async def _add_message(self, tx: Transaction, row: HistoryMessage, place: _Place) -> None:
        await tx.to_telegram.add(
            dedupe_key=_key(row),
            ordering_key=place.conversation_id,
            conversation_id=place.conversation_id,
            kind=Kind.MANAGER_MESSAGE,
            payload=self._payload(row, place),
            now=tx.now,
            expires_at=tx.now + self._lifetimes.to_telegram,
            urgency="later",
        )

    async def _report(
        self,
        tx: Transaction,
        row: HistoryMessage,
        place: _Place,
        why: str,
        verdict: refusals.Verdict,
    ) -> None:
        """Keep a message that must not be sent for a person, and tell the manager."""
        reason = why.format(at=row.at.isoformat(timespec="seconds"))
        await tx.to_telegram.park(
            dedupe_key=_key(row),
            ordering_key=place.conversation_id,
            conversation_id=place.conversation_id,
            kind=Kind.MANAGER_MESSAGE,
            payload=self._payload(row, place),
            now=tx.now,
            reason=reason,
        )
        await Enqueue(tx, self._lifetimes).status(
            row.kommo_message_id,
            StatusCode.ERROR,
            conversation_id=place.conversation_id,
            error_code=verdict.code,
            error=in_language(verdict.text, self._owner.language),
        )
        log.error(
            "not delivered to Telegram: %s", reason, extra={"conversation": place.conversation_id}
        )

    def _payload(self, row: HistoryMessage, place: _Place) -> str:
        return webhook_of(
            row,
            account_id=self._owner.account_id,
            kommo_chat_id=place.chat_of[row.kommo_message_id],
            conversation_id=place.conversation_id,
        ).decode()


def _as_kommo_tells(moment: datetime) -> datetime:
    """Return a moment as exactly as Kommo tells moments."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _key(row: HistoryMessage) -> str:
    """Return the dedupe key that the message's webhook has."""
    return f"message:{row.kommo_message_id}"


def _at(item: QueueItem) -> datetime:
    """Return when what waits was written."""
    event = parse_event(item.payload.encode())
    return event.at if isinstance(event, ManagerMessage) else item.created_at
