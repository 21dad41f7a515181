"""Store what blocked clients do: that it happened, for `trace`, and nothing for Kommo."""

from bot.queue.items import Kind
from bot.receive.client_messages import ClientMessages
from bot.receive.presses import answer_press
from bot.translate.ids import ChatAddress
from bot.translate.incoming.actions import Action, Pressed
from bot.translate.incoming.client_of import Origin
from bot.translate.incoming.presses import unsaid
from bot.translate.incoming.reachability import Reachability
from storage.database import Transaction
from storage.queue.producer import Draft

REASON = "the client is blocked: nothing of it went to Kommo"


async def store_blocked(
    tx: Transaction,
    clients: ClientMessages,
    origin: Origin,
    action: Action | None,
    *,
    address: ChatAddress,
) -> None:
    """Note an update of a blocked client: one that cannot be read has no action.

    A press is still answered, so that the client's app does not wait; it tells nothing.
    """
    match action:
        case Pressed():
            await answer_press(clients.enqueue(tx), unsaid(action.press))
        case Reachability():
            await tx.conversations.set_reachable(
                address.conversation_id, is_reachable=action.is_reachable, now=tx.now
            )
        case _:
            pass
    await tx.to_kommo.record_done(
        Draft(
            dedupe_key=blocked_key(address, origin),
            ordering_key=address.conversation_id,
            conversation_id=address.conversation_id,
            kind=Kind.BLOCKED,
            payload="{}",
        ),
        now=tx.now,
        reason=REASON,
    )


def blocked_key(address: ChatAddress, client: Origin) -> str:
    """Return what makes the note of an update unique: its message, if it brought one."""
    if client.message_id is None:
        return f"blocked:{address.conversation_id}:update:{client.update_id}"
    return f"blocked:{address.message_id(client.message_id)}"
