"""Settle an item for Telegram: its delivery status, and who can be reached."""

from bot.deliver.telegram.errors import Blocked
from bot.deliver.telegram.items import event_of
from bot.deliver.telegram.sends import Shown
from bot.queue.enqueue import Enqueue
from bot.queue.items import Kind, Lifetimes
from bot.queue.outcomes import Delivered, Undeliverable
from bot.translate.languages import Language, in_language
from bot.translate.outgoing import refusals
from kommo.events import ManagerMessage
from kommo.ids import ConversationId, KommoMessageId
from kommo.statuses import ErrorCode, StatusCode
from storage.business import BusinessChat
from storage.database import Transaction
from storage.message_reader import SentPart
from storage.queue.reader import QueueItem


class Settlement:
    """Stores what an end leads to.

    Args:
        lifetimes: how long a delivery status is tried.
        language: of what the manager reads.
    """

    def __init__(self, lifetimes: Lifetimes, language: Language) -> None:
        self._lifetimes = lifetimes
        self._language: Language = language

    async def store(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store the delivery status for the manager, and whether the bot is blocked."""
        await _learn_reachable(tx, item, outcome)
        if item.kind != Kind.MANAGER_MESSAGE:
            return
        event = event_of(item)
        if not isinstance(event, ManagerMessage) or await tx.to_telegram.get(item.id) is None:
            return  # of a client who was forgotten meanwhile nothing is stored
        if isinstance(outcome, Shown) and outcome.last is not None:
            await tx.messages.remember_outgoing(outcome.last)
            if await self._was_deleted(tx, outcome.last):
                return
        conversation_id = ConversationId(item.conversation_id) if item.conversation_id else None
        failed = outcome if isinstance(outcome, Undeliverable) else None
        await Enqueue(tx, self._lifetimes).status(
            event.kommo_message_id,
            StatusCode.ERROR if failed else StatusCode.DELIVERED,
            conversation_id=conversation_id,
            error_code=ErrorCode(failed.code or ErrorCode.INTERNAL) if failed else None,
            error=self._words(failed) if failed else None,
        )

    async def _was_deleted(self, tx: Transaction, part: SentPart) -> bool:
        """Tell Kommo of a message that was deleted before it was recorded; tell whether it was."""
        if not part.business_user_id:
            return False
        chat = BusinessChat(part.conversation_id, part.bot_id, part.business_user_id, part.chat_id)
        rows = await tx.messages.by_kommo_message(part.kommo_message_id)
        ids = {row.telegram_message_id for row in rows}
        if not ids <= await tx.business.deleted(chat, ids):
            return False
        await Enqueue(tx, self._lifetimes).deleted(
            KommoMessageId(part.kommo_message_id),
            conversation_id=ConversationId(part.conversation_id),
        )
        return True

    def _words(self, failed: Undeliverable) -> str:
        return in_language(failed.text or refusals.REFUSED.text, self._language)


async def _learn_reachable(
    tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
) -> None:
    """Store whether the client lets the bot write, if an attempt showed it."""
    if not isinstance(outcome, Blocked | Shown) or item.conversation_id is None:
        return
    await tx.conversations.learn_reachable(
        item.conversation_id,
        is_reachable=isinstance(outcome, Shown),
        asked_at=item.started_at or tx.now,
        now=tx.now,
    )
