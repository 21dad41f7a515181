"""Stores that a client blocked the bot or came back; the manager sees a notice of each change."""

from datetime import datetime

from bot.queue.items import Lifetimes, put_message
from bot.translate.incoming.reachability import Reachability, notice
from bot.translate.languages import Language
from kommo.ids import SourceId
from storage.database import Transaction


async def store_reachability(
    tx: Transaction,
    change: Reachability,
    *,
    update_id: int,
    source_id: SourceId | None,
    language: Language,
    now: datetime,
    lifetimes: Lifetimes,
) -> None:
    """Store a change; of a chat that Kommo does not know, or of no change, nothing is told."""
    conversation_id = change.address.conversation_id
    known = await tx.conversations.get(conversation_id)
    if known is None or known.is_reachable == change.is_reachable:
        return
    await tx.conversations.set_reachable(
        conversation_id, is_reachable=change.is_reachable, now=now
    )
    message = notice(change, update_id=update_id, source_id=source_id, language=language)
    at = await tx.conversations.next_msec(conversation_id, change.at)
    await put_message(tx, message.model_copy(update={"at": at}), now=now, lifetimes=lifetimes)
