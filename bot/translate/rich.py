"""A rich message → plain text and its files. Pure.

Only the fields that carry words or files are read, by their names, so that a block of a kind
that is new is flattened too. Reference: Bot API, RichMessage.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from aiogram.types import (
    Animation,
    Audio,
    Document,
    PhotoSize,
    RichBlockCaption,
    RichBlockDivider,
    RichBlockListItem,
    RichBlockMap,
    RichBlockTable,
    RichMessage,
    RichMessageButton,
    RichTextUrl,
    Video,
    Voice,
)
from pydantic import BaseModel

from bot.translate import media
from bot.translate.files import MediaUrl
from kommo.models import Content

WORDS = ("summary", "text", "expression", "alternative_text", "button", "caption", "credit")
"""Fields that hold words, in the order in which they are read."""

DEPTH = 40
"""Deeper than this nothing is nested, but by somebody who wants to do harm."""


def contents(message: RichMessage, media_url: MediaUrl) -> tuple[Content, ...]:
    """Return the text of a rich message, then its files."""
    lines = [line for block in message.blocks for line in _lines(block, 0)]
    files = [file for block in message.blocks for file in _files(block, media_url, 0)]
    text = "\n".join(lines).strip()
    if not text and files:
        return tuple(files)
    return Content(type="text", text=text or "[rich message]"), *files


def _lines(block: Any, depth: int) -> Iterator[str]:
    """Return a block's lines."""
    if depth > DEPTH:
        return
    match block:
        case RichBlockDivider():
            yield "———"
        case RichBlockMap():
            yield f"[map] {block.location.latitude}, {block.location.longitude}"
            yield from _captions(block)
        case RichBlockTable():
            yield from (" | ".join(_words(cell) for cell in row) for row in block.cells)
            yield from _captions(block)
        case RichBlockListItem():
            lines = [line for inner in block.blocks for line in _lines(inner, depth + 1)]
            yield f"{_label(block)} {lines[0] if lines else ''}".strip()
            yield from (f"  {line}" for line in lines[1:])
        case _:
            yield from _other_lines(block, depth)


def _other_lines(block: Any, depth: int) -> Iterator[str]:
    words = _words(block)
    if words:
        yield words
    for name in ("blocks", "items"):
        for inner in getattr(block, name, None) or ():
            yield from _lines(inner, depth + 1)
    for button in getattr(block, "buttons", None) or ():
        yield f"[{_words(button)}]"


def _captions(block: Any) -> Iterator[str]:
    words = _words(getattr(block, "caption", None))
    if words:
        yield words


def _label(item: RichBlockListItem) -> str:
    if item.has_checkbox:
        return "☑" if item.is_checked else "☐"
    return item.label or "•"


def _words(text: Any, depth: int = 0) -> str:
    """Return rich text as plain text; a link keeps its address."""
    if isinstance(text, str):
        return text
    if isinstance(text, list | tuple):
        return "".join(_words(part, depth + 1) for part in text)
    if not isinstance(text, BaseModel) or depth > DEPTH:
        return ""
    joint = "\n" if isinstance(text, RichBlockCaption) else ""
    parts = (_words(getattr(text, name, None), depth + 1) for name in WORDS)
    words = joint.join(part for part in parts if part)
    if isinstance(text, RichTextUrl | RichMessageButton) and text.url and text.url != words:
        return f"{words} ({text.url})"
    return words


def _files(block: Any, media_url: MediaUrl, depth: int) -> Iterator[Content]:
    """Return the files of a block and of the blocks in it."""
    if depth > DEPTH:
        return
    for value in _values(block):
        if isinstance(value, list) and value and isinstance(value[0], PhotoSize):
            yield media.photo(value, media_url)
        elif isinstance(value, list):
            for inner in value:
                yield from _files(inner, media_url, depth + 1)
        else:
            yield from _file(value, media_url)


def _values(block: Any) -> Sequence[Any]:
    return list(vars(block).values()) if isinstance(block, BaseModel) else ()


def _file(value: Any, media_url: MediaUrl) -> Iterator[Content]:
    match value:
        case Video():
            yield media.video(value, media_url)
        case Animation():
            yield media.animation(value, media_url)
        case Audio():
            yield media.audio(value, media_url)
        case Voice():
            yield media.voice(value, media_url)
        case Document():
            yield media.document(value, media_url)
        case _:
            pass
