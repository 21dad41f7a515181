"""A manager writes first, to a phone number: the chat of the client who shared it.

Reference: Kommo, Chat capabilities (Write First).
"""

from kommo.events import ManagerMessage
from storage.conversations import Conversation
from storage.database import Snapshot


async def by_phone(snapshot: Snapshot, event: ManagerMessage) -> Conversation | None:
    """Return the conversation of the receiver's number, in the event's source if it names one."""
    digits = "".join(char for char in event.receiver.phone or "" if char in "0123456789")
    if event.conversation_id is not None or not digits:
        return None
    found = await snapshot.conversations.by_phone(f"+{digits}")
    wanted = [one for one in found if event.source_id in (None, one.source_id)]
    return wanted[0] if wanted else None
