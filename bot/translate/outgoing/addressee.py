"""A call's addressee in Telegram: the chat, the account it goes through, the topic. Pure.

Reference: Bot API, sendMessage (`business_connection_id`, `message_thread_id`).
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from aiogram.methods import TelegramMethod

Method = TypeVar("Method", bound=TelegramMethod[Any])


@dataclass(frozen=True)
class Addressee:
    """What stands on every call of a conversation, where the call knows it.

    Args:
        business_connection_id: of the account for which the bot writes; None for the bot itself.
        message_thread_id: of the topic; None for a chat without topics.
    """

    business_connection_id: str | None = None
    message_thread_id: int | None = None


THE_CHAT = Addressee()
"""The bot's own chat, without topics."""


def addressed(call: Method, addressee: Addressee) -> Method:
    """Return a call that leads to its addressee; what the call has no field for is left out."""
    fields = {
        name: value
        for name, value in vars(addressee).items()
        if value is not None and name in type(call).model_fields
    }
    return call.model_copy(update=fields) if fields else call
