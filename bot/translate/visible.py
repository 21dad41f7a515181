"""Visible names: one of invisible characters only counts as no name. Pure.

Reference: Unicode, Default_Ignorable_Code_Point (joiners, fillers, variation selectors, tags).
"""

import regex

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
