"""Pressed buttons, until they are stored: what the client is to be shown of them."""

from datetime import timedelta

from bot.queue.enqueue import Enqueue
from bot.translate.incoming.presses import Press, fingerprint
from storage.database import Transaction

SENT_AGAIN = timedelta(seconds=60)
"""For so long the same press under the same keyboard is the app's repetition (decision 0046)."""


async def is_new_press(tx: Transaction, press: Press) -> bool:
    """Tell whether a press is another than the last one under its message."""
    return await tx.presses.remember(
        press.address.conversation_id,
        press.message_id or 0,
        fingerprint(press),
        now=tx.now,
        unlike=tx.now - SENT_AGAIN,
    )


async def enqueue_press(enqueue: Enqueue, press: Press) -> None:
    """Enqueue a press: the client sees at once that it was noticed."""
    await enqueue.press(
        press.model_dump_json(exclude_none=True),
        dedupe_key=f"press:{press.bot_id}:{press.key}",
        ordering_key=f"press:{press.bot_id}:{press.chat_id}:{press.message_id}",
        conversation_id=press.address.conversation_id,
    )
