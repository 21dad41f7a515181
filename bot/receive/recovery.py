"""What one conversation misses: its history compared with what is known here, and put in order.

Reference: Kommo, Chat history.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from bot.items import Kind, Lifetimes, put_status
from bot.kommo_chats import KommoChats
from bot.patience import persist
from bot.pulse import Life
from bot.translate import status
from bot.translate.languages import Language, in_language
from bot.translate.missed import Bounds, in_order, of_client, of_managers
from kommo.answers import HistoryMessage, HistoryPage
from kommo.events import ManagerMessage, parse_event, webhook_of
from kommo.ids import AmojoId, ConversationId, KommoChatId, KommoMessageId, KommoUserId
from kommo.models import StatusCode
from storage.database import Database, Transaction
from storage.queue_reader import QueueItem

KNOWS_SINCE = "history_since"
"""The note that says since when the database knows what was delivered."""

PAGE, PAGES = 50, 40
"""The newest 2,000 rows of a conversation are looked at."""

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
"""Lets the hooks go on that wait for a conversation, in the transaction that stores it."""


@dataclass(frozen=True)
class _Place:
    """A conversation, and in which of its chats each message is."""

    conversation_id: ConversationId
    chat_of: Mapping[KommoMessageId, KommoChatId]


class Recovery:
    """Reads a conversation's history, and stores what managers wrote and no hook brought.

    Args:
        database: where to.
        read: reads a page of a history.
        kommo_chats: tells every chat of a conversation.
        owner: whose history it is.
        recover: how old a message may be to be sent.
        grace: a younger message is left to its hook.
        lifetimes: how long an item is tried.
        now: the clock.
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
    ) -> None:
        self._database = database
        self._read = read
        self._kommo_chats = kommo_chats
        self._owner = owner
        self._recover = recover
        self._grace = grace
        self._lifetimes = lifetimes
        self._now = now
        self._knows_since = now()

    async def load(self, life: Life) -> None:
        """Learn since when the database knows what was delivered; see decision 0011."""
        async with self._database.transaction() as tx:
            noted = await tx.notes.get(KNOWS_SINCE)
            if noted is not None and life.is_continued:
                self._knows_since = datetime.fromisoformat(noted)
                return
            if life.alive_at is not None:
                log.warning(
                    "the database was restored, moved or upgraded: what managers wrote "
                    "before this start is not read back from Kommo's history"
                )
            await self._know_since_now(tx)

    async def look(
        self,
        name: str,
        *,
        missed_since: datetime | None,
        lost_until: datetime,
        let_go: LetGo,
    ) -> bool:
        """Put into the inbox what a conversation misses; False to look once more soon.

        Args:
            name: our id of the conversation.
            missed_since: since when hooks may be missing; None when nothing is known of that.
            lost_until: hooks of what was written until then are lost, and not waited for.
            let_go: done where something is stored.
        """
        async with self._database.snapshot() as snapshot:
            known = await snapshot.conversations.get(name)
        chat_ids = await self._kommo_chats.every_of(known) if known else ()
        if known is None or not chat_ids:
            return True
        bounds = Bounds(
            recover=self._recover,
            knows_since=self._knows_since,
            listens_since=lost_until,
            grace=self._grace,
        )
        window = bounds.window(
            known_at=known.created_at, missed_since=missed_since, now=self._now()
        )
        found = {chat_id: await self._rows(chat_id, window.since) for chat_id in chat_ids}
        rows = [row for chat in found.values() for row in chat]
        chat_of = {row.kommo_message_id: chat for chat, some in found.items() for row in some}
        place = _Place(ConversationId(name), chat_of)
        if await self._has_gaps(of_client(rows, place.conversation_id)):
            if await self._is_known(name):  # not forgotten while Kommo was asked
                await self._forget_the_past()
            return True
        written = of_managers(rows, channel_bot_id=self._owner.channel_bot_id)
        unknown = await self._unknown(written)
        missed = [row for row in unknown if not window.leaves_to_hook(row.at)]
        if missed:
            store = partial(
                self._store, place=place, missed=missed, since=window.send_from, let_go=let_go
            )
            await persist(self._database, store)
        return len(missed) == len(unknown)

    async def _rows(self, chat_id: KommoChatId, since: datetime) -> list[HistoryMessage]:
        """Return a chat's messages since a moment."""
        found: dict[str, HistoryMessage] = {}
        for page in range(PAGES):
            rows = await self._read(chat_id, offset=page * PAGE, limit=PAGE)
            found |= {row.kommo_message_id: row for row in rows if row.at >= since}
            if rows.told < PAGE or (rows and rows[-1].at < since):
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

    async def _is_known(self, name: str) -> bool:
        async with self._database.snapshot() as snapshot:
            return await snapshot.conversations.get(name) is not None

    async def _forget_the_past(self) -> None:
        """From now on, deliver nothing that was written before now."""
        log.error(
            "Kommo has messages that this database does not know: it is from an older backup; "
            "what managers wrote before now is not read back from Kommo's history"
        )
        await persist(self._database, self._know_since_now)

    async def _know_since_now(self, tx: Transaction) -> None:
        """Note that nothing is known of before now, as exactly as Kommo tells moments."""
        now = self._now()
        self._knows_since = now.replace(microsecond=now.microsecond // 1000 * 1000)
        await tx.notes.put(KNOWS_SINCE, self._knows_since.isoformat())

    async def _unknown(self, rows: Sequence[HistoryMessage]) -> list[HistoryMessage]:
        """Return the messages that neither a hook brought nor this bridge sent, oldest first."""
        async with self._database.snapshot() as snapshot:
            keys = await snapshot.inbox.known(_key(row) for row in rows)
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
        since: datetime,
        let_go: LetGo,
    ) -> None:
        """Store what was missed, in order with the hooks that came meanwhile."""
        if await tx.conversations.get(place.conversation_id) is None:
            return  # forgotten while Kommo was asked
        known = await tx.inbox.known(_key(row) for row in missed)
        missed = [row for row in missed if _key(row) not in known]
        fresh = [row for row in missed if row.at >= since]
        for row in missed:
            if row.at < since:
                await self._report(tx, row, place)
        waiting = await tx.inbox.untried(place.conversation_id) if fresh else []
        for one in in_order(fresh, [(_at(item), item) for item in waiting]):
            if one.missed is not None:
                await self._add_message(tx, one.missed, place)
            elif one.waiting is not None:
                await tx.inbox.put_behind(one.waiting)
        await let_go(tx)
        if fresh:
            log.warning(
                "%d answers were read back from Kommo's history: no webhook brought them",
                len(fresh),
                extra={"conversation": place.conversation_id},
            )

    async def _add_message(self, tx: Transaction, row: HistoryMessage, place: _Place) -> None:
        now = self._now()
        await tx.inbox.add(
            dedupe_key=_key(row),
            ordering_key=place.conversation_id,
            conversation_id=place.conversation_id,
            kind=Kind.MANAGER_MESSAGE,
            payload=self._payload(row, place),
            now=now,
            expires_at=now + self._lifetimes.to_telegram,
            urgency="later",
        )

    async def _report(self, tx: Transaction, row: HistoryMessage, place: _Place) -> None:
        """Keep a message that is too old to be sent for a person, and tell the manager."""
        at = row.at.isoformat(timespec="seconds")
        reason = f"no webhook came; written at {at}, longer ago than delivery.recover_h"
        now = self._now()
        await tx.inbox.park(
            dedupe_key=_key(row),
            ordering_key=place.conversation_id,
            conversation_id=place.conversation_id,
            kind=Kind.MANAGER_MESSAGE,
            payload=self._payload(row, place),
            now=now,
            reason=reason,
        )
        await put_status(
            tx,
            row.kommo_message_id,
            StatusCode.ERROR,
            conversation_id=place.conversation_id,
            now=now,
            lifetimes=self._lifetimes,
            error_code=status.MISSED.code,
            error=in_language(status.MISSED.text, self._owner.language),
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


def _key(row: HistoryMessage) -> str:
    """Return the dedupe key that the message's hook has."""
    return f"message:{row.kommo_message_id}"


def _at(item: QueueItem) -> datetime:
    """Return when what waits was written."""
    event = parse_event(item.payload.encode())
    return event.at if isinstance(event, ManagerMessage) else item.created_at
