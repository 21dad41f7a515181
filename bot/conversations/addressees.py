"""Find the conversation of a webhook by any id of either side.

Kommo names a conversation by its own id, by ours or by both, and older forms name a message only.
Ours are told from Kommo's by their form, wherever they stand.
Reference: Kommo, Receiving chat webhooks.
"""

from collections.abc import Iterable

from bot.translate.ids import conversation_of, parse_conversation
from kommo.events import Event, LegacyMessage, ManagerMessage, ManagerReaction, ManagerTyping
from storage.database import Snapshot, Transaction


def named(event: Event) -> str | None:
    """Return our id of the conversation that an event is about, if one of its ids says so."""
    for conversation_id in _conversations(event):
        address = parse_conversation(conversation_id)
        if address is not None:
            return address.conversation_id
    return next(filter(None, map(conversation_of, _messages(event))), None)


async def find(reader: Snapshot | Transaction, event: Event) -> str | None:
    """Return our id of the conversation that an event is about, as far as anything tells."""
    ours = named(event)
    if ours is not None:
        return ours
    for kommo_chat_id in _conversations(event):
        chat = await reader.conversation_chats.by_kommo_chat(kommo_chat_id)
        if chat is not None:
            return chat.conversation_id
    for kommo_message_id in _messages(event):
        known = await _of_message(reader, kommo_message_id)
        if known is not None:
            return known
    return None


async def _of_message(reader: Snapshot | Transaction, kommo_message_id: str) -> str | None:
    """Return whose message it is; one that still waits is in its queue only."""
    known = await reader.messages.conversation_of(kommo_message_id)
    if known is not None:
        return known
    item = await reader.to_telegram.by_dedupe_key(f"message:{kommo_message_id}")
    return item.conversation_id if item else None


def _conversations(event: Event) -> list[str]:
    """Return the ids of the conversation that an event names, ours first."""
    if isinstance(event, ManagerMessage | ManagerTyping | ManagerReaction):
        return _given(event.conversation_id, event.kommo_chat_id)
    return _given(event.conversation_id) if isinstance(event, LegacyMessage) else []


def _messages(event: Event) -> list[str]:
    """Return the ids of a message of the same conversation; quotes stay in theirs."""
    if isinstance(event, ManagerReaction):
        return _given(event.external_id, event.kommo_message_id)
    quoted = event.reply_to if isinstance(event, ManagerMessage) else None
    is_nowhere = quoted is not None and not _conversations(event)
    return _given(quoted.external_id, quoted.kommo_message_id) if quoted and is_nowhere else []


def _given(*ids: str | None) -> list[str]:
    given: Iterable[str] = filter(None, ids)
    return list(given)
