"""Stores that a client blocked the bot or came back; the manager sees a notice of each change."""

from bot.queue.enqueue import Enqueue
from bot.translate.incoming.reachability import Reachability, notice
from bot.translate.languages import Language
from kommo.ids import SourceId
from storage.database import Transaction


async def store_reachability(
    tx: Transaction,
    enqueue: Enqueue,
    change: Reachability,
    *,
    update_id: int,
    source_id: SourceId | None,
    language: Language,
) -> None:
    """Store a change; of a chat that Kommo does not know, or of no change, nothing is told."""
    conversation_id = change.address.conversation_id
    known = await tx.conversations.get(conversation_id)
    if known is None or known.is_reachable == change.is_reachable:
        return
    await tx.conversations.set_reachable(
        conversation_id, is_reachable=change.is_reachable, now=tx.now
    )
    message = notice(change, update_id=update_id, source_id=source_id, language=language)
    at = await tx.conversations.next_msec(conversation_id, change.at)
    await enqueue.message(message.model_copy(update={"at": at}))
