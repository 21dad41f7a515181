"""Store pressed buttons: as what the client says, and as what the client is to be shown."""

import logging
from datetime import timedelta

from bot.queue.enqueue import Enqueue
from bot.receive.client_messages import ClientMessages
from bot.translate.incoming import presses
from bot.translate.incoming.actions import Pressed
from bot.translate.incoming.messages import ClientMessage
from bot.translate.incoming.presses import Press, fingerprint
from kommo.ids import SourceId
from storage.database import Transaction

SENT_AGAIN = timedelta(seconds=60)
"""For this time the same press under the same keyboard is the app's repetition (decision 0046)."""


log = logging.getLogger(__name__)


async def store_press(
    tx: Transaction, clients: ClientMessages, pressed: Pressed, *, source_id: SourceId | None
) -> None:
    """Store a press twice: as what the client says, and as what the client is to be shown."""
    press = pressed.press
    button = await tx.buttons.get(press.button_id) if press.button_id else None
    if button is not None and button.conversation_id != press.address.conversation_id:
        log.warning("a press of another conversation's button")
        press = presses.unsaid(press)
    if press.is_said:
        press = press.model_copy(update={"text": button.text if button else press.text})
        message = presses.client_message(
            press,
            pressed.author,
            callback_data=button.callback_data if button else None,
            at=tx.now,
            source_id=source_id,
        )
        await _say(tx, clients, press, message)
    await answer_press(clients.enqueue(tx), press)


async def _say(
    tx: Transaction, clients: ClientMessages, press: Press, message: ClientMessage
) -> None:
    """Store what a press says, unless the app only sent the last one again."""
    await clients.mark_read(tx, press.address, press.message_id or 0)
    if await _is_new(tx, press):
        await clients.store(tx, message)
    else:
        log.info("a press was sent again", extra={"conversation": press.address.conversation_id})


async def _is_new(tx: Transaction, press: Press) -> bool:
    """Tell whether a press is another than the last one under its message."""
    return await tx.presses.remember(
        press.address.conversation_id,
        press.message_id or 0,
        fingerprint(press),
        now=tx.now,
        unlike=tx.now - SENT_AGAIN,
    )


async def answer_press(enqueue: Enqueue, press: Press) -> None:
    """Enqueue a press: the client sees at once that it was noticed."""
    await enqueue.press(
        press.model_dump_json(exclude_none=True),
        dedupe_key=f"press:{press.bot_id}:{press.key}",
        ordering_key=f"press:{press.bot_id}:{press.chat_id}:{press.message_id}",
        conversation_id=press.address.conversation_id,
    )
