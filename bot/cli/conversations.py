"""Conversations as commands look for them."""

from bot.errors import BridgeError
from storage.conversations import Conversation
from storage.database import Snapshot

PAGE = 1000
SEE = "see: kommo-telegram chats list"


class NotFoundError(BridgeError):
    """No conversation is of this id."""


async def every(snapshot: Snapshot) -> list[Conversation]:
    """Return every conversation."""
    found: list[Conversation] = []
    while page := await snapshot.conversations.list_all(limit=PAGE, offset=len(found)):
        found += page
    return found
