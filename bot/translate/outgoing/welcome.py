"""The welcome for a new client, which may ask for the phone number. Pure.

Reference: Bot API, KeyboardButton (`request_contact`): the number is the client's own, checked by
Telegram, and leaves only when the client presses.
"""

from dataclasses import dataclass

from aiogram.methods import SendMessage
from aiogram.types import KeyboardButton, ReplyKeyboardMarkup

from bot.translate.ids import ChatAddress
from bot.translate.languages import Language, in_language

SHARE = "Share my phone number"


@dataclass(frozen=True)
class Welcome:
    """The text for new clients, and the words on the button that shares the number, if any."""

    text: str
    button: str | None = None


def welcome(text: str | None, ask_phone: str | bool, language: Language) -> Welcome | None:
    """Return what the settings say to new clients; None when they say nothing.

    A button needs a text above it: where there is none, the button's words are the text.
    """
    usual = in_language(SHARE, language)
    if isinstance(ask_phone, str):
        return Welcome(text, ask_phone) if text else Welcome(ask_phone, usual)
    if ask_phone:
        return Welcome(text or usual, usual)
    return Welcome(text) if text else None


def greeting(address: ChatAddress, said: Welcome) -> SendMessage:
    """Return the call that greets a client."""
    keyboard = None
    if said.button is not None:
        button = KeyboardButton(text=said.button, request_contact=True)
        keyboard = ReplyKeyboardMarkup(
            keyboard=[[button]], resize_keyboard=True, one_time_keyboard=True
        )
    return SendMessage(chat_id=address.chat_id, text=said.text, reply_markup=keyboard)
