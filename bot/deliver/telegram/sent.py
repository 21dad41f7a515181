"""Telegram's answers to sends, and the rows that tie them to managers' messages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiogram.types import Message

from bot.translate.ids import ID_LIMIT, ChatAddress
from bot.translate.incoming.messages import YEAR_10000, topic_of
from kommo.events import LegacyMessage, ManagerMessage
from storage.message_reader import SentPart


@dataclass(frozen=True)
class Accepted:
    """What is needed of a message that Telegram took, but whose description cannot be read."""

    message_id: int
    date: datetime


def accepted(result: Any) -> Accepted | None:
    """Return what can be read of a message's description, if anything."""
    message_id, date = (
        (result.get("message_id"), result.get("date"))
        if isinstance(result, dict)
        else (None, None)
    )
    if not isinstance(message_id, int) or not isinstance(date, int):
        return None
    if not 0 <= date < YEAR_10000:  # it was taken all the same: no second one because of that
        return None
    return Accepted(message_id, datetime.fromtimestamp(date, UTC))


def part_of(
    sent: Any, event: ManagerMessage | LegacyMessage, address: ChatAddress, number: int
) -> SentPart | None:
    """Return the row that ties a sent Telegram message to the manager's message."""
    if not isinstance(sent, Message | Accepted) or not isinstance(event, ManagerMessage):
        return None
    if abs(sent.message_id) >= ID_LIMIT:  # no database keeps it, and nothing can name it again
        return None
    return SentPart(
        kommo_message_id=event.kommo_message_id,
        conversation_id=address.conversation_id,
        bot_id=address.bot_id,
        business_user_id=address.business_user_id,
        chat_id=address.chat_id,
        telegram_message_id=sent.message_id,
        part=number,
        at=sent.date,
        thread_id=topic_of(sent) if isinstance(sent, Message) else None,
    )
