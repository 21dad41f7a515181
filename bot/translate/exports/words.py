"""The words of an exported message: a link keeps its address, all else its words. Pure.

Reference: Telegram Desktop, export format JSON (`text_entities`, `text`).
"""

from typing import Any

from bot.translate.exports.fields import Json, items, words
from bot.translate.text import is_same_address
from bot.translate.visible import visible

FORWARDED, VIA = "forwarded_from", "via_bot"


def text_of(message: Json) -> str:
    """Return what a message says."""
    pieces = message.get("text_entities")
    if not isinstance(pieces, list) or not pieces:
        pieces = message.get("text")
    if isinstance(pieces, list):
        return "".join(map(_piece, pieces))
    return words(pieces)


def _piece(piece: Any) -> str:
    """Return a piece of a text; the address behind one, if the text does not show it."""
    text = words(piece)
    href = piece.get("href") if isinstance(piece, dict) else None
    if not isinstance(href, str) or not href or is_same_address(text, href):
        return text
    return f"{text} ({href})"


def heading(message: Json) -> str:
    """Return the lines above a message's text: where it is from, what it answers elsewhere."""
    lines = []
    if FORWARDED in message:
        author = visible(words(message[FORWARDED]))
        lines.append(f"[Forwarded from {author}]" if author else "[Forwarded]")
    if message.get("reply_to_peer_id") is not None:
        lines.append("[In reply to a message of another chat]")
    return "\n".join(lines)


def ending(message: Json) -> str:
    """Return the lines below a message's text: its buttons, and emoji of which nobody is named."""
    return "\n".join([*_buttons(message), *_nameless_marks(message)])


def _buttons(message: Json) -> list[str]:
    rows = message.get("inline_bot_buttons")
    found = [button for row in rows for button in items(row)] if isinstance(rows, list) else []
    shown = []
    for button in found:
        text, data = visible(words(button.get("text"))), words(button.get("data"))
        address = f" ({data})" if button.get("type") == "url" and data else ""
        shown.append(f"[button] {text}{address}")
    return shown


def _nameless_marks(message: Json) -> list[str]:
    """Return the reactions that nobody is named of, as Kommo shows each as somebody's."""
    shown = []
    for reaction in items(message.get("reactions")):
        emoji, count = words(reaction.get("emoji")), reaction.get("count")
        if not any(items(reaction.get("recent"))):
            what = emoji or "an emoji of Telegram's own"
            shown.append(f"{what} ({count})" if isinstance(count, int) and count > 1 else what)
    return [f"[reactions: {', '.join(shown)}]"] if shown else []
