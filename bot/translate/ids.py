"""Our identifiers, made and read in one place: the same chat has the same name in every call.

A Telegram `message_id` is unique only within a chat, and a chat only within a bot, so every id
names all it needs: an answer finds its way even when the database was lost.

    conversation   tg:700001:555            bot, chat
    message        tg:700001:555:42         bot, chat, message
    second part    tg:700001:555:42:2       one Telegram message that became two in Kommo
    press          tg:700001:555:press:9    a pressed button, by the press's own id
    exported       tg:700001:555:export:42-1700000000    a message of an export of another account,
                                            by its number there and its second
    imported       tg:700001:555:import:a7  a message of another system, by the id it had there
    alias          tg:700001:555~2          the same chat, started once more by a manager in Kommo
    participant    tg:555                   user
    business       tg:700001.999:555        a chat of the business account 999 that the bot serves
"""

import hashlib
import re
from dataclasses import dataclass

from kommo.ids import ConversationId, ExternalMessageId, KommoMessageId, ParticipantId
from kommo.models import Quote

_CONVERSATION = re.compile(r"tg:(\d{1,20})(?:\.(\d{1,20}))?:(-?\d{1,20})", re.ASCII)
_NAME = re.compile(_CONVERSATION.pattern + r"(?:~(\d{1,6}))?", re.ASCII)
_MESSAGE = re.compile(_CONVERSATION.pattern + r":(\d{1,20})(?::(\d{1,4}))?", re.ASCII)


_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

_INSIDE = re.compile(_CONVERSATION.pattern + r":", re.ASCII)

_LANE = re.compile(r"tg:(\d{1,20})(?:\.\d{1,20})?:(now|later|)", re.ASCII)

BUTTON_PREFIX = "b:"
"""Begins the `callback_data` of a button whose text we keep; its id follows."""

ID_LIMIT = 1 << 52
"""Reference: Bot API, Chat: an id has at most 52 significant bits."""


@dataclass(frozen=True)
class ChatAddress:
    """Where a conversation takes place in Telegram."""

    bot_id: int
    chat_id: int
    business_user_id: int = 0

    def __post_init__(self) -> None:
        """Refuse ids that no database could keep."""
        _refuse_absurd(self.bot_id, self.chat_id, self.business_user_id)

    @property
    def conversation_id(self) -> ConversationId:
        """Return our id of the conversation that takes place here."""
        business = f".{self.business_user_id}" if self.business_user_id else ""
        return ConversationId(f"tg:{self.bot_id}{business}:{self.chat_id}")

    def message_id(self, telegram_message_id: int, part: int = 1) -> ExternalMessageId:
        """Return our id of one message of this chat."""
        _refuse_absurd(telegram_message_id)
        suffix = f":{part}" if part > 1 else ""
        return ExternalMessageId(f"{self.conversation_id}:{telegram_message_id}{suffix}")

    def press_id(self, callback_id: str) -> ExternalMessageId:
        """Return our id of what a pressed button said; Telegram has no message for it."""
        return ExternalMessageId(f"{self.conversation_id}:press:{callback_id}")

    def notice_id(self, update_id: int, part: int = 1) -> ExternalMessageId:
        """Return our id of what an update led to in this chat, and Telegram has no id for."""
        suffix = f":{part}" if part > 1 else ""
        return ExternalMessageId(f"{self.conversation_id}:notice:{update_id}{suffix}")

    def exported_id(self, message_id: int, at_s: int) -> ExternalMessageId:
        """Return our id of a message of an export, by its number there and its second."""
        return ExternalMessageId(f"{self.conversation_id}:export:{message_id}-{at_s}")

    def imported_id(self, name: str) -> ExternalMessageId:
        """Return our id of a message of another system; of an odd or long one, by its hash."""
        is_plain = _PLAIN.fullmatch(name)
        told = name if is_plain else f"h.{hashlib.sha256(name.encode()).hexdigest()[:32]}"
        return ExternalMessageId(f"{self.conversation_id}:import:{told}")


def participant_id(user_id: int) -> ParticipantId:
    """Return our id of a Telegram user."""
    return ParticipantId(f"tg:{user_id}")


def parse_conversation(conversation_id: str) -> ChatAddress | None:
    """Read a conversation id of ours; None when it is not one."""
    match = _NAME.fullmatch(conversation_id)
    return _address(match) if match else None


def number_of(conversation_id: str) -> int:
    """Return which of the chats that managers started an alias names; 0 is the plain one."""
    match = _NAME.fullmatch(conversation_id)
    return int(match[4] or 0) if match else 0


def parse_message(external_id: str) -> tuple[ChatAddress, int] | None:
    """Read a message id of ours: its chat and Telegram's message id; None when it is not one."""
    match = _MESSAGE.fullmatch(external_id)
    address = _address(match) if match else None
    if match is None or address is None or int(match[4]) >= ID_LIMIT:
        return None
    return address, int(match[4])


def conversation_of(external_id: str) -> ConversationId | None:
    """Return the conversation that one of our ids of a message, press or notice names."""
    match = _INSIDE.match(external_id)
    address = _address(match) if match else None
    return address.conversation_id if address else None


def parse_lane(lane: str) -> tuple[int, str] | None:
    """Read what items of one bot have in common: its id and the urgency; None otherwise."""
    match = _LANE.fullmatch(lane)
    return (int(match[1]), match[2]) if match else None


def _address(match: re.Match[str]) -> ChatAddress | None:
    """Return the chat that an id names; None when its numbers are none of Telegram's."""
    try:
        return ChatAddress(int(match[1]), int(match[3]), int(match[2] or 0))
    except ValueError:
        return None


def quote(external_id: str | None, kommo_message_id: str | None) -> Quote:
    """Return a message by our id, or else by Kommo's."""
    if external_id is not None:
        return Quote(external_id=ExternalMessageId(external_id))
    return Quote(kommo_message_id=KommoMessageId(kommo_message_id or ""))


def _refuse_absurd(*ids: int) -> None:
    if any(abs(one) >= ID_LIMIT for one in ids):
        raise ValueError("an id beyond Telegram's 52 bits")
