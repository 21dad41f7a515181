"""Files that a manager sent at once: their hooks may overtake one another on the way.

Reference: Kommo, Receiving chat webhooks (media_group_id, msec_timestamp).
"""

from bot.items import Kind
from kommo.events import ManagerMessage, parse_event
from storage.database import Transaction


async def put_in_order(tx: Transaction, ordering_key: str, media_group_id: str) -> None:
    """Let the messages of a group that still wait stand as the manager chose them."""
    found = []
    for item in await tx.inbox.untouched(ordering_key=ordering_key, kind=Kind.MANAGER_MESSAGE):
        event = parse_event(item.payload.encode())
        if isinstance(event, ManagerMessage) and event.media_group_id == media_group_id:
            found.append((event.at, item.id, item))
    ordered = [item for _at, _id, item in sorted(found, key=lambda one: one[:2])]
    await tx.inbox.rearrange(ordered)
