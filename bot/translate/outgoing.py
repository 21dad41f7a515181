"""Kommo event → Telegram calls. Calls are values: built here, run elsewhere, compared in tests."""

from typing import Any

from aiogram.methods import SendMessage, TelegramMethod

from bot.translate.ids import ChatAddress
from bot.translate.text import clean, split
from kommo.events import LegacyMessage, ManagerMessage


def manager_message(
    event: ManagerMessage | LegacyMessage, address: ChatAddress
) -> list[TelegramMethod[Any]]:
    """Translate a manager's message into the Telegram calls that show it, in order.

    The list is empty when nothing would be left to show, such as a text of spaces only.
    No parse mode is ever set: a manager's text is never read as markup.
    """
    return [
        SendMessage(chat_id=address.chat_id, text=part, parse_mode=None)
        for part in split(clean(event.text))
    ]
