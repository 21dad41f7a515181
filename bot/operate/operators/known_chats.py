"""The operators' chats: those of the settings, and where a group went that became a supergroup.

Reference: Bot API, Message (`migrate_to_chat_id`, `migrate_from_chat_id`); ResponseParameters.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from bot.translate.ids import ID_LIMIT
from storage.database import Transaction
from storage.facts import FactReader

KINDS = ("message", "edited_message", "message_reaction", "my_chat_member")


class OperatorsChats:
    """Knows which chats are the operators', and by which id each can be reached now.

    Args:
        chat_ids: as the settings have them.
        topic_id: where the one chat is a forum: the topic that is the operators'.
    """

    def __init__(self, chat_ids: Sequence[int], topic_id: int | None = None) -> None:
        self._chat_ids = tuple(chat_ids)
        self.topic_id = topic_id
        self._moved: dict[int, int] = {}

    def __contains__(self, chat_id: object) -> bool:
        return chat_id in self._chat_ids or chat_id in self._moved.values()

    def __bool__(self) -> bool:
        return bool(self._chat_ids)

    @property
    def reachable(self) -> tuple[int, ...]:
        """Return the ids to write to, each once."""
        return tuple(dict.fromkeys(self.now(chat_id) for chat_id in self._chat_ids))

    @property
    def moved(self) -> dict[int, int]:
        """Return the ids in the settings that are no longer right, with the right ones."""
        there = {chat_id: self.now(chat_id) for chat_id in self._chat_ids}
        return {old: new for old, new in there.items() if old != new}

    def now(self, chat_id: int) -> int:
        """Return the id that a chat has now."""
        passed = {chat_id}
        while (following := self._moved.get(chat_id, chat_id)) not in passed:
            passed.add(following)
            chat_id = following
        return chat_id

    def move(self, old: int, new: int) -> bool:
        """Note that a chat has another id; tell whether that is news of an operators' chat."""
        if old not in self or self._moved.get(old) == new or old == new:
            return False
        self._moved[old] = new
        return True

    async def load(self, notes: FactReader) -> None:
        """Remember the moves from before the start."""
        found = list(self._chat_ids)
        for old in found:
            new = await notes.get(_key(old))
            if new is not None and self.move(old, int(new)):
                found.append(int(new))

    async def save(self, tx: Transaction) -> None:
        """Store the moves."""
        for old, new in self._moved.items():
            await tx.facts.put(_key(old), str(new))


def _key(chat_id: int) -> str:
    return f"operators:{chat_id}"


def chat_in(update: Mapping[str, Any]) -> int:
    """Return the chat that an update is from; 0, which is nobody's, if it names none."""
    query = update.get("callback_query")
    if isinstance(query, Mapping):
        message = query.get("message")
        if isinstance(message, Mapping) and message.get("business_connection_id"):
            return 0  # a business account's chat with the same person
        return chat_of(message)
    return next((found for kind in KINDS if (found := chat_of(update.get(kind)))), 0)


def chat_of(message: object) -> int:
    """Return the chat of a message; 0, which is nobody's, if it has none."""
    chat = message.get("chat") if isinstance(message, Mapping) else None
    chat_id = chat.get("id") if isinstance(chat, Mapping) else None
    return chat_id if _is_id(chat_id) else 0


def topic_in(update: Mapping[str, Any]) -> int | None:
    """Return the topic that an update is from; None for none.

    Reference: Bot API, Message (`message_thread_id`, `is_topic_message`).
    """
    query = update.get("callback_query")
    message = query.get("message") if isinstance(query, Mapping) else update.get("message")
    if not isinstance(message, Mapping) or message.get("is_topic_message") is not True:
        return None
    thread = message.get("message_thread_id")
    return thread if _is_id(thread) and thread > 0 else None


def move_in(update: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return which chat an update says to have which id now; both chats are told."""
    message = update.get("message")
    chat_id = chat_of(message)
    if not chat_id or not isinstance(message, Mapping):
        return None
    new, old = message.get("migrate_to_chat_id"), message.get("migrate_from_chat_id")
    if _is_id(new):
        return chat_id, new
    return (old, chat_id) if _is_id(old) else None


def _is_id(found: Any) -> TypeGuard[int]:
    """Tell whether something is an id of Telegram's. Reference: Bot API, Chat (52 bits)."""
    return type(found) is int and abs(found) < ID_LIMIT
