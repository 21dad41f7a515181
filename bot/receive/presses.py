"""A pressed button, until it is stored: what the client is to be shown of it."""

from datetime import datetime

from bot.items import Kind, Lifetimes
from bot.translate.presses import Press
from storage.database import Transaction


async def put_press(tx: Transaction, press: Press, *, now: datetime, lifetimes: Lifetimes) -> None:
    """Put a press into the inbox: answered at once, whatever else waits for the client."""
    await tx.inbox.add(
        dedupe_key=f"press:{press.bot_id}:{press.callback_id}",
        ordering_key=f"press:{press.bot_id}:{press.chat_id}:{press.message_id}",
        conversation_id=press.address.conversation_id,
        kind=Kind.BUTTON_PRESS,
        payload=press.model_dump_json(exclude_none=True),
        now=now,
        expires_at=now + lifetimes.to_telegram,
        urgency="now",
    )
