"""A pressed button, until it is stored: what the client is to be shown of it."""

from datetime import datetime, timedelta

from bot.queue.items import Kind, Lifetimes
from bot.translate.incoming.presses import Press, fingerprint
from storage.database import Transaction

SENT_AGAIN = timedelta(seconds=60)
"""For so long the same press under the same keyboard is the app's repetition (decision 0046)."""


async def is_new_press(tx: Transaction, press: Press, *, now: datetime) -> bool:
    """Tell whether a press is another than the last one under its message."""
    return await tx.presses.remember(
        press.address.conversation_id,
        press.message_id or 0,
        fingerprint(press),
        now=now,
        unlike=now - SENT_AGAIN,
    )


async def put_press(tx: Transaction, press: Press, *, now: datetime, lifetimes: Lifetimes) -> None:
    """Put a press into the inbox: answered at once, whatever else waits for the client."""
    await tx.to_telegram.add(
        dedupe_key=f"press:{press.bot_id}:{press.callback_id}",
        ordering_key=f"press:{press.bot_id}:{press.chat_id}:{press.message_id}",
        conversation_id=press.address.conversation_id,
        kind=Kind.BUTTON_PRESS,
        payload=press.model_dump_json(exclude_none=True),
        now=now,
        expires_at=now + lifetimes.to_telegram,
        urgency="now",
    )
