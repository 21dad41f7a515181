"""A rich message → plain text and its files. Pure.

Rich messages are read as plain objects, by the names of their fields: aiogram needs minutes for
text that is nested five deep, and refuses blocks that are new. Reference: Bot API, RichMessage.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aiogram.enums import RichBlockType
from aiogram.types import Animation, Audio, Document, Location, PhotoSize, Video, Voice
from pydantic import BaseModel

from bot.translate.files import MediaUrl
from bot.translate.incoming import media
from bot.translate.incoming.lenient import read
from bot.translate.incoming.notices import NOT_KNOWN
from kommo.content import Content

RAW_FIELD = "raw_rich_message"
"""Where `set_aside` keeps a rich message; a field that aiogram does not know it leaves alone."""

WORDS = ("summary", "text", "expression", "alternative_text", "button")
"""Fields that hold words, in the order in which they are read."""

DEPTH = 40
"""Deeper than this nothing is nested, but by somebody who wants to do harm."""

FILES: Mapping[str, tuple[type[BaseModel], Callable[[Any, MediaUrl], Content]]] = {
    "video": (Video, media.video),
    "animation": (Animation, media.animation),
    "audio": (Audio, media.audio),
    "voice_note": (Voice, media.voice),
    "document": (Document, media.document),
}

KINDS = frozenset(kind.value for kind in RichBlockType)

Block = Mapping[str, Any]


def set_aside(update: Any, depth: int = 0) -> Any:
    """Return an update in which no rich message is left for aiogram to read."""
    if not isinstance(update, Mapping) or depth > DEPTH:
        return update
    return {
        RAW_FIELD if key == "rich_message" else key: (
            value if key == "rich_message" else set_aside(value, depth + 1)
        )
        for key, value in update.items()
    }


def contents(message: Block, media_url: MediaUrl) -> tuple[Content, ...]:
    """Return the text of a rich message, then its files."""
    blocks = _blocks(message, "blocks")
    text = "\n".join(line for block in blocks for line in _lines(block, 0)).strip()
    files = tuple(file for block in blocks for file in _files(block, media_url, 0))
    if not text and files:
        return files
    return Content(type="text", text=text or "[rich message]"), *files


def _lines(block: Block, depth: int) -> Iterator[str]:
    """Return a block's lines; one that is new, and of which nothing can be read, is named."""
    if depth > DEPTH:
        return
    lines = list(_said(block, depth))
    kind = block.get("type")
    is_new = isinstance(kind, str) and kind not in KINDS
    if is_new and not lines and not any(_files(block, str, depth)):
        lines = [f"[{str(kind).replace('_', ' ')}: {NOT_KNOWN}]"]
    yield from lines


def _said(block: Block, depth: int) -> Iterator[str]:
    """Return the lines that a block's words make."""
    kind, place = block.get("type"), read(Location, block.get("location"))
    if kind == "divider":
        yield "———"
    if kind == "map" or place:
        yield f"[map] {place.latitude}, {place.longitude}" if place else "[map]"
    for row in _lists(block, "cells"):
        yield " | ".join(_words(cell, 0) for cell in row)
    yield from _if_any(_words(block, 0))
    for item in _blocks(block, "items"):
        yield from _item(item, depth + 1)
    for inner in _blocks(block, "blocks"):
        yield from _lines(inner, depth + 1)
    for button in _blocks(block, "buttons"):
        yield f"[{_words(button, 0)}]"
    yield from _if_any(_caption(block))


def _item(item: Block, depth: int) -> Iterator[str]:
    """Return the lines of a list's item, the first one with its label."""
    lines = [line for inner in _blocks(item, "blocks") for line in _lines(inner, depth)]
    yield f"{_label(item)} {lines[0] if lines else ''}".strip()
    yield from (f"  {line}" for line in lines[1:])


def _label(item: Block) -> str:
    if item.get("has_checkbox"):
        return "☑" if item.get("is_checked") else "☐"
    return str(item.get("label") or "•")


def _caption(block: Block) -> str:
    """Return the words below a block, and to whom they are owed."""
    caption = block.get("caption")
    credit = caption.get("credit") if isinstance(caption, Mapping) else block.get("credit")
    owed = _words(credit, 0)
    return f"{_words(caption, 0)} — {owed}".strip() if owed else _words(caption, 0)


def _words(text: Any, depth: int) -> str:
    """Return rich text as plain text; a link keeps its address."""
    if isinstance(text, str) or depth > DEPTH:
        return text if isinstance(text, str) else ""
    if isinstance(text, Sequence):
        return "".join(_words(part, depth + 1) for part in text)
    if not isinstance(text, Mapping):
        return ""
    words = "".join(_words(text.get(name), depth + 1) for name in WORDS)
    url = text.get("url")
    return f"{words} ({url})" if isinstance(url, str) and url not in {"", words} else words


def _files(block: Block, media_url: MediaUrl, depth: int) -> Iterator[Content]:
    """Return the files of a block and of the blocks in it."""
    if depth > DEPTH:
        return
    sizes = [read(PhotoSize, size) for size in _blocks(block, "photo")]
    if any(sizes):
        yield media.photo([size for size in sizes if size], media_url)
    for name, (kind, show) in FILES.items():
        file = read(kind, block.get(name))
        if file is not None:
            yield show(file, media_url)
    for name in ("blocks", "items"):
        for inner in _blocks(block, name):
            yield from _files(inner, media_url, depth + 1)


def _blocks(block: Block, name: str) -> list[Block]:
    """Return the objects in a field."""
    return _members(block, name, Mapping)


def _lists(block: Block, name: str) -> list[list[Any]]:
    """Return the lists in a field."""
    return _members(block, name, list)


def _members(block: Block, name: str, kind: type[Any]) -> list[Any]:
    values = block.get(name)
    return [one for one in values if isinstance(one, kind)] if isinstance(values, list) else []


def _if_any(words: str) -> Iterator[str]:
    if words:
        yield words
