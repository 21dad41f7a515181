"""Names as people see them: one of invisible characters only is none. Pure.

Reference: Unicode, Default_Ignorable_Code_Point (joiners, fillers, variation selectors, tags).
"""

import regex
from aiogram.types import Chat, User

from bot.translate.text import clean

NOBODY = "Telegram user"
"""What a client without any name is called."""

_INVISIBLE = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Cc}\p{Cf}"
    r"\u2800\U0001D159]*"  # an empty Braille cell, a null notehead: blank, but called symbols
)


def visible(name: str | None) -> str:
    """Return a name; nothing when there is nothing to see of it."""
    text = clean(name or "").strip()
    return "" if _INVISIBLE.fullmatch(text) else text


def full_name(*names: str | None) -> str:
    """Return those of a person's names that can be seen."""
    return " ".join(filter(None, map(visible, names)))


def person_name(user: User) -> str:
    """Return what a person is called: by the name, the user name, or as nobody in particular."""
    return full_name(user.first_name, user.last_name) or visible(user.username) or NOBODY


def chat_name(chat: Chat) -> str:
    """Return what a chat is called; nothing when it has no name."""
    named = visible(chat.title) or full_name(chat.first_name, chat.last_name)
    return named or visible(chat.username)
