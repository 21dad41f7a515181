"""Store clients' reactions."""

import logging

from bot.receive.client_messages import ClientMessages
from bot.translate.incoming.reactions import ClientReaction, reactions
from storage.database import Transaction

log = logging.getLogger(__name__)


async def store_reaction(
    tx: Transaction, clients: ClientMessages, change: ClientReaction, *, update_id: int
) -> None:
    """Store a reaction to a message that crossed the bridge; of others Kommo knows nothing."""
    address = change.address
    await clients.mark_read(tx, address, change.telegram_message_id)
    message = await tx.messages.by_telegram(
        address.bot_id, address.chat_id, change.telegram_message_id, address.business_user_id
    )
    if message is None:
        log.info("a reaction to a message that is not known", extra={"update": update_id})
        return
    calls = reactions(
        change, external_id=message.external_id, kommo_message_id=message.kommo_message_id
    )
    for number, reaction in enumerate(calls):
        await clients.enqueue(tx).reaction(
            reaction, dedupe_key=f"reaction:{address.bot_id}:{update_id}:{number}"
        )
