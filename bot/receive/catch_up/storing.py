"""Store missed answers: in order with what waits, or for a person where they must not be sent."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.queue.enqueue import Enqueue
from bot.queue.items import Kind, Lifetimes
from bot.receive.catch_up.window import Window, in_order
from bot.translate.languages import Language, in_language
from bot.translate.outgoing import refusals
from bot.words import counted
from kommo.answers import HistoryMessage
from kommo.events import ManagerMessage, parse_event
from kommo.ids import AmojoId, ConversationId, KommoChatId, KommoMessageId
from kommo.read_back import webhook_of
from kommo.statuses import StatusCode
from storage.database import Transaction
from storage.queue.producer import Draft
from storage.queue.reader import QueueItem

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
    language: Language


LetGo = Callable[[Transaction], Awaitable[None]]
"""Lets the webhooks go on that wait for a conversation, in the transaction that stores it."""


@dataclass(frozen=True)
class KnownChats:
    """A conversation, and in which of its chats each message is."""

    conversation_id: ConversationId
    chat_of: Mapping[KommoMessageId, KommoChatId]


class MissedMessages:
    """Stores what managers wrote and no webhook brought.

    Args:
        owner: whose history it is.
        lifetimes: how long an item is tried.
    """

    def __init__(self, owner: Owner, lifetimes: Lifetimes) -> None:
        self._owner = owner
        self._lifetimes = lifetimes

    async def store(
        self,
        tx: Transaction,
        *,
        chats: KnownChats,
        missed: Sequence[HistoryMessage],
        window: Window,
        let_go: LetGo,
    ) -> None:
        """Store what was missed, in order with the webhooks that came meanwhile."""
        if await tx.conversations.get(chats.conversation_id) is None:
            return  # forgotten while Kommo was asked
        known = await tx.to_telegram.known(key_of(row) for row in missed)
        missed = [row for row in missed if key_of(row) not in known]
        fresh = [row for row in missed if row.at >= max(window.send_from, window.sure_from)]
        for row in missed:
            if row.at < window.sure_from:
                await self._report(tx, row, chats, DOUBTFUL, refusals.UNSURE)
            elif row.at < window.send_from:
                await self._report(tx, row, chats, TOO_OLD, refusals.MISSED)
        waiting = await tx.to_telegram.untried(chats.conversation_id) if fresh else []
        for one in in_order(fresh, [(_at(item), item) for item in waiting]):
            if one.missed is not None:
                await self._add_message(tx, one.missed, chats)
            elif one.waiting is not None:
                await tx.to_telegram.put_behind(one.waiting)
        await let_go(tx)
        if fresh:
            log.warning(
                "recovered from Kommo's history, its webhook was missed: %s",
                counted(len(fresh), "answer"),
                extra={"conversation": chats.conversation_id},
            )

    async def _add_message(self, tx: Transaction, row: HistoryMessage, chats: KnownChats) -> None:
        await tx.to_telegram.add(
            Draft(
                dedupe_key=key_of(row),
                ordering_key=chats.conversation_id,
                conversation_id=chats.conversation_id,
                kind=Kind.MANAGER_MESSAGE,
                payload=self._payload(row, chats),
            ),
            now=tx.now,
            expires_at=tx.now + self._lifetimes.to_telegram,
            urgency="later",
        )

    async def _report(
        self,
        tx: Transaction,
        row: HistoryMessage,
        chats: KnownChats,
        why: str,
        verdict: refusals.Verdict,
    ) -> None:
        """Keep a message that must not be sent for a person, and tell the manager."""
        reason = why.format(at=row.at.isoformat(timespec="seconds"))
        await tx.to_telegram.park(
            Draft(
                dedupe_key=key_of(row),
                ordering_key=chats.conversation_id,
                conversation_id=chats.conversation_id,
                kind=Kind.MANAGER_MESSAGE,
                payload=self._payload(row, chats),
            ),
            now=tx.now,
            reason=reason,
        )
        await Enqueue(tx, self._lifetimes).status(
            row.kommo_message_id,
            StatusCode.ERROR,
            conversation_id=chats.conversation_id,
            error_code=verdict.code,
            error=in_language(verdict.text, self._owner.language),
        )
        log.error(
            "not delivered to Telegram: %s", reason, extra={"conversation": chats.conversation_id}
        )

    def _payload(self, row: HistoryMessage, chats: KnownChats) -> str:
        return webhook_of(
            row,
            account_id=self._owner.account_id,
            kommo_chat_id=chats.chat_of[row.kommo_message_id],
            conversation_id=chats.conversation_id,
        ).decode()


def key_of(row: HistoryMessage) -> str:
    """Return the dedupe key that the message's webhook has."""
    return f"message:{row.kommo_message_id}"


def _at(item: QueueItem) -> datetime:
    """Return when what waits was written."""
    event = parse_event(item.payload.encode())
    return event.at if isinstance(event, ManagerMessage) else item.created_at
