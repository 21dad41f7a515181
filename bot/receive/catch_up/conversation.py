"""Recover what one conversation misses: its history compared with what is known here.

Reference: Kommo, Chat history.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from bot.conversations.kommo_chats import KommoChats
from bot.receive.catch_up.knowledge import Knowledge
from bot.receive.catch_up.pages import Pages
from bot.receive.catch_up.storing import KnownChats, LetGo, MissedMessages, key_of
from bot.receive.catch_up.window import Bounds, Window, believable, of_client, of_managers
from kommo.answers import HistoryMessage
from kommo.ids import ConversationId, ExternalMessageId, KommoMessageId, KommoUserId
from storage.conversations import Conversation
from storage.database import Database
from storage.patience import persist

MONTH = timedelta(days=30)
"""When a conversation began that is older matters to no window."""

Looked = Literal["done", "again", "unreached"]
"""What came of a look: all is known; look once more soon; Kommo has nothing of it yet."""


@dataclass(frozen=True)
class Terms:
    """What is looked at, by which clocks, and what counts as a manager's.

    Args:
        recover: how old a message may be to be sent.
        grace: a younger message is left to its webhook.
        channel_bot_id: who wrote for the bridge itself, if the settings say so.
        now: our clock.
        ahead_s: by how many seconds it is ahead of Kommo's, as far as that is known.
    """

    recover: timedelta
    grace: timedelta
    channel_bot_id: KommoUserId | None
    now: Callable[[], datetime]
    ahead_s: Callable[[], float | None] = lambda: None

    @property
    def ahead(self) -> timedelta:
        """Return by how much our clock is ahead, if that can be believed."""
        return believable(timedelta(seconds=self.ahead_s() or 0.0))


class Recovery:
    """Reads a conversation's history, and has stored what managers wrote and no webhook brought.

    Args:
        database: what is known here.
        pages: reads histories.
        kommo_chats: tells every chat of a conversation.
        knowledge: of which time the database knows what was delivered.
        missed: stores what was missed.
        terms: what is looked at.
    """

    def __init__(
        self,
        database: Database,
        pages: Pages,
        kommo_chats: KommoChats,
        knowledge: Knowledge,
        missed: MissedMessages,
        *,
        terms: Terms,
    ) -> None:
        self._database = database
        self._pages = pages
        self._kommo_chats = kommo_chats
        self.knowledge = knowledge
        self._missed = missed
        self._terms = terms
        self._left: dict[KommoMessageId, float] = {}

    async def look(
        self,
        name: str,
        *,
        missed_since: datetime | None,
        lost_until: datetime,
        let_go: LetGo,
    ) -> Looked:
        """Have stored what a conversation misses.

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
        found = {chat_id: await self._pages.newest(chat_id, window.since) for chat_id in chat_ids}
        rows = [row for chat in found.values() for row in chat]
        chat_of = {row.kommo_message_id: chat for chat, some in found.items() for row in some}
        chats = KnownChats(ConversationId(name), chat_of)
        foreign = await self._foreign(of_client(rows, chats.conversation_id))
        heard = [row.at + self._terms.ahead for row in foreign]
        if await self.knowledge.is_evidence(name, heard, missed_since, lost_until):
            window = await self._window(known, missed_since, lost_until)
        since = max(window.since, window.own_from) if foreign else window.since
        written = of_managers(rows, channel_bot_id=self._terms.channel_bot_id)
        unknown = await self._unknown([row for row in written if row.at >= since])
        missed = [row for row in unknown if not self._leaves_to_webhook(row, window)]
        if missed:
            store = partial(
                self._missed.store, chats=chats, missed=missed, window=window, let_go=let_go
            )
            await persist(self._database, store)
        return "done" if len(missed) == len(unknown) else "again"

    async def _window(
        self, known: Conversation, missed_since: datetime | None, lost_until: datetime
    ) -> Window:
        """Return which messages of a conversation are looked at."""
        name, now = known.conversation_id, self._terms.now()
        is_old = known.created_at < now - self._terms.recover - MONTH
        async with self._database.snapshot() as snapshot:
            first_at = await snapshot.messages.first_at(name) if not is_old else None
        since = await self.knowledge.since()
        bounds = Bounds(
            recover=self._terms.recover,
            known_at=max(known.created_at, since),
            first_at=max(first_at or known.created_at, since),
            doubtful_until=await self.knowledge.doubtful_until(name),
            listens_since=lost_until,
            grace=self._terms.grace,
            ahead=self._terms.ahead,
        )
        return bounds.window(missed_since=missed_since, now=now)

    def _leaves_to_webhook(self, row: HistoryMessage, window: Window) -> bool:
        """Tell whether a message's webhook may be in flight; for a while, whatever clocks say."""
        now_s = asyncio.get_running_loop().time()
        if not window.leaves_to_webhook(row.at):
            self._left.pop(row.kommo_message_id, None)
            return False
        left_s = self._left.setdefault(row.kommo_message_id, now_s)
        if now_s - left_s < self._terms.grace.total_seconds():
            return True
        del self._left[row.kommo_message_id]
        return False

    async def _foreign(
        self, rows: Mapping[ExternalMessageId, HistoryMessage]
    ) -> Sequence[HistoryMessage]:
        """Return the client's messages that this database never told Kommo of."""
        async with self._database.snapshot() as snapshot:
            known = await snapshot.messages.known_external(rows)
            known |= await snapshot.to_kommo.known(rows.keys() - known)
            known |= (await snapshot.imports.states(rows.keys() - known)).keys()
        return [row for external_id, row in rows.items() if external_id not in known]

    async def _unknown(self, rows: Sequence[HistoryMessage]) -> list[HistoryMessage]:
        """Return messages that no webhook brought and this bridge did not send, oldest first."""
        async with self._database.snapshot() as snapshot:
            keys = await snapshot.to_telegram.known(key_of(row) for row in rows)
            ids = await snapshot.messages.known_kommo(row.kommo_message_id for row in rows)
        unknown = [
            row
            for row in reversed(rows)  # of one moment, too, the oldest first
            if key_of(row) not in keys and row.kommo_message_id not in ids
        ]
        return sorted(unknown, key=lambda row: row.at)
