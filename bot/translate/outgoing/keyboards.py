"""The buttons of a manager's message → a Telegram keyboard. Pure.

Reference: Kommo, Receiving chat webhooks (markup); Bot API, InlineKeyboardButton.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
)

from bot.translate.ids import BUTTON_PREFIX
from bot.translate.text import clean
from kommo.ids import KommoMessageId
from kommo.markup import Button, ListMessage, Markup

BUTTONS_IN_ROW = 8
"""More would be too narrow to read. Reference: aiogram, Keyboard builder."""

MAX_BUTTONS = 100
"""Reference: aiogram, Keyboard builder (100 buttons of an inline keyboard)."""

ID_CHARACTERS = 16
"""96 bits: enough that no two buttons meet, and far below the 64 bytes of callback data."""

URL_LIMIT = 2048
"""Longer ones are refused by most that read them."""

_WITHOUT_SCHEME = re.compile(r"(?://)?(?:[\w-]+\.)+[^\W\d_]{2,}\.?(?::\d+)?(?:[/?#].*)?")
"""What can be meant for an address: names between dots, the last of letters."""

Style = Literal["inline", "keyboard"]
Keyboard = InlineKeyboardMarkup | ReplyKeyboardMarkup
T = TypeVar("T")


@dataclass(frozen=True)
class PressableButton:
    """A button whose press says something in the client's name.

    Args:
        id: our short name for it, the same at every attempt to send the message.
        callback_data: of a list message's row, to be repeated in the answer.
    """

    id: str
    text: str
    callback_data: str | None = None


def pressable(markup: Markup | None, message_id: KommoMessageId) -> list[PressableButton]:
    """Return the buttons to be remembered before a message is sent."""
    said = list(_said(markup)) if markup else []
    return [
        PressableButton(button_id(message_id, number), text, callback_data)
        for number, (text, callback_data) in enumerate(said)
    ]


def keyboard(
    markup: Markup | None, message_id: KommoMessageId, style: Style = "inline"
) -> Keyboard | None:
    """Return the keyboard under a message; None when no button of it can be shown.

    A menu and links are inline in either style: only there they can be what they are.
    """
    if markup is None:
        return None
    if style == "keyboard" and _is_plain(markup):
        return _reply_keyboard(markup)
    numbers = iter(pressable(markup, message_id))
    if markup.list_message is not None:
        rows = [[_press(button)] for button in numbers]
    else:
        rows = [
            [_link(b) if b.url else _press(next(numbers)) for b in row] for row in _shown(markup)
        ]
    fitting = _fitting(rows)
    return InlineKeyboardMarkup(inline_keyboard=fitting) if fitting else None


def menu(message: ListMessage) -> str:
    """Return a list message as a text: its choices, each with its description."""
    sections = [
        "\n".join(
            [
                *([section.title] if section.title else []),
                *(
                    f"• {row.title} — {row.description}" if row.description else f"• {row.title}"
                    for row in section.rows
                    if row.title.strip()
                ),
            ]
        )
        for section in message.sections
    ]
    return "\n\n".join(
        part for part in (message.header, message.body, *sections, message.footer) if part.strip()
    )


def button_id(message_id: str, number: int) -> str:
    """Return the short id of a message's button."""
    digest = hashlib.sha256(f"{message_id}:{number}".encode()).digest()
    return base64.urlsafe_b64encode(digest)[:ID_CHARACTERS].decode()


def is_button_url(url: str) -> bool:
    """Tell whether Telegram takes an address for a button: one that is not costs the message.

    Reference: Bot API, InlineKeyboardButton (HTTP or tg:// URL).
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if any(char.isspace() or not char.isprintable() for char in url) or len(url) > URL_LIMIT:
        return False
    if parts.scheme == "tg":
        return bool(parts.netloc)
    return parts.scheme in {"http", "https"} and "." in host.strip(".")


def button_url(url: str) -> str | None:
    """Return an address as Telegram takes it, with a scheme in any case; None for none."""
    bare = url.strip()
    if _WITHOUT_SCHEME.fullmatch(bare):
        bare = f"https://{bare.removeprefix('//')}"
    return bare if is_button_url(bare) else None


def _said(markup: Markup) -> Iterable[tuple[str, str | None]]:
    """Return what each pressable button says, and what its answer repeats."""
    if markup.list_message is None:
        return ((b.text, None) for row in _shown(markup) for b in row if not b.url)
    return (
        (row.title, row.callback_data or None)
        for section in markup.list_message.sections
        for row in section.rows
        if clean(row.title).strip()
    )


def _shown(markup: Markup) -> list[list[Button]]:
    """Return the buttons that can be shown, row by row."""
    rows = [[button for button in row if _is_showable(button)] for row in markup.buttons]
    return [row for row in rows if row]


def _is_showable(button: Button) -> bool:
    """Tell whether a button has a text, and an address that is one."""
    return bool(clean(button.text).strip()) and (not button.url or bool(button_url(button.url)))


def _is_plain(markup: Markup) -> bool:
    """Tell whether a keyboard instead of the client's own can show all there is."""
    return markup.list_message is None and not any(b.url for row in markup.buttons for b in row)


def _reply_keyboard(markup: Markup) -> ReplyKeyboardMarkup | None:
    rows = [[KeyboardButton(text=clean(button.text)) for button in row] for row in _shown(markup)]
    fitting = _fitting(rows)
    if not fitting:
        return None
    return ReplyKeyboardMarkup(keyboard=fitting, resize_keyboard=True, one_time_keyboard=True)


def _press(button: PressableButton) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=clean(button.text), callback_data=BUTTON_PREFIX + button.id)


def _link(button: Button) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=clean(button.text), url=button_url(button.url or ""))


def _fitting(rows: Sequence[Sequence[T]]) -> list[list[T]]:
    """Return rows of a width that can be read, with no more buttons than are shown."""
    narrow = [
        list(row[start : start + BUTTONS_IN_ROW])
        for row in rows
        for start in range(0, len(row), BUTTONS_IN_ROW)
    ]
    kept: list[list[T]] = []
    left = MAX_BUTTONS
    for row in narrow:
        kept.append(row[:left])
        left -= len(kept[-1])
    return [row for row in kept if row]
