"""Conversations as commands look for them."""

from bot.errors import BridgeError
from bot.translate.ids import ID_LIMIT, parse_conversation
from storage.conversations import Conversation
from storage.database import Snapshot
from storage.kept import Whose

PAGE = 1000
DIGITS = 16
SEE = "see: kommo-telegram chats list"


class NotFoundError(BridgeError):
    """No conversation is of this id."""


async def every(snapshot: Snapshot) -> list[Conversation]:
    """Return every conversation."""
    found: list[Conversation] = []
    while page := await snapshot.conversations.list_all(limit=PAGE, offset=len(found)):
        found += page
    return found


async def named(snapshot: Snapshot, name: str) -> list[Whose]:
    """Return all conversations of a client's number, or the one of either side's id.

    Raises:
        NotFoundError: nothing is kept of any such.
    """
    found = await _of_client(snapshot, name) or await _of_id(snapshot, name)
    if not found:
        raise NotFoundError(f"there is no conversation {name!r}; {SEE}")
    return found


def called(one: Whose) -> str:
    """Return how a conversation is called; without one, its client."""
    return one.conversation_id or str(one.chat_id)


async def _of_client(snapshot: Snapshot, name: str) -> list[Whose]:
    """Return what is kept under a number; of a blocked client there may be no conversation."""
    digits = name.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS):
        return []
    chat_id = int(name)
    if abs(chat_id) >= ID_LIMIT:
        return []
    ids = await snapshot.kept.conversation_ids(chat_id)
    found = [_whose(conversation_id) for conversation_id in ids]
    nobody = Whose("", 0, chat_id)
    is_known = any(found) or not await snapshot.kept.is_any(nobody)
    return [one for one in found if one] if is_known else [nobody]


async def _of_id(snapshot: Snapshot, name: str) -> list[Whose]:
    """Return the conversation of an id of ours or Kommo's, if anything is kept of it."""
    known = await snapshot.conversations.get(name)
    known = known or await snapshot.conversations.by_kommo_chat(name)
    alias = None if known else await snapshot.conversation_chats.by_alias(name)
    known = await snapshot.conversations.get(alias.conversation_id) if alias else known
    if known is not None:
        return [Whose(known.conversation_id, known.bot_id, known.chat_id)]
    address = parse_conversation(name)
    one = _whose(address.conversation_id) if address else None
    return [one] if one is not None and await snapshot.kept.is_any(one) else []


def _whose(conversation_id: str) -> Whose | None:
    """Return a conversation by its id, which names its bot and its client."""
    address = parse_conversation(conversation_id)
    return Whose(conversation_id, address.bot_id, address.chat_id) if address else None
