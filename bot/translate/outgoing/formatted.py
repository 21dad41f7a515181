"""Formatted text: cut, joined and read from HTML with its entities in the right places. Pure.

Reference: Bot API, MessageEntity (offsets and lengths are UTF-16 units); Formatting options.
"""

from dataclasses import dataclass

from aiogram.types import MessageEntity

from bot.translate.outgoing.html import read_html
from bot.translate.text import CAPTION_LIMIT, TEXT_LIMIT, split, utf16_length


@dataclass(frozen=True)
class Formatted:
    """A text and what is special about its parts."""

    text: str
    entities: tuple[MessageEntity, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text.strip())


def parts(formatted: Formatted, limit: int = TEXT_LIMIT) -> list[Formatted]:
    """Cut a text into parts that Telegram takes; what runs across a cut goes on behind it."""
    cut, position = [], 0
    for part in split(formatted.text, limit):
        start = formatted.text.index(part, position)
        position = start + len(part)
        cut.append(_slice(formatted, start, position))
    return [part for part in cut if part]


def caption_and_rest(formatted: Formatted) -> tuple[Formatted, Formatted]:
    """Return as much of a text as a caption holds, and what goes on as a text of its own."""
    caption = next(iter(split(formatted.text, CAPTION_LIMIT)), "")
    end = formatted.text.index(caption) + len(caption)
    return _slice(formatted, 0, end), _slice(formatted, end, len(formatted.text))


def joined(*pieces: Formatted, by: str = "\n\n") -> Formatted:
    """Return texts one after the other; those that are empty take no place."""
    text = ""
    entities: list[MessageEntity] = []
    for piece in filter(None, pieces):
        text += by if text else ""
        shift = utf16_length(text)
        text += piece.text
        entities += [_moved(entity, shift) for entity in piece.entities]
    return Formatted(text, tuple(entities))


def from_html(html: str) -> Formatted:
    """Read Telegram's HTML: the formatting becomes entities, so nothing is left to escape.

    Raises:
        FormatError: a tag that is not known, or does not close where it should.
    """
    text, spans = read_html(html)
    entities = [MessageEntity.model_validate(vars(span)) for span in spans]
    return Formatted(text, tuple(entities))


def _slice(formatted: Formatted, start: int, end: int) -> Formatted:
    """Return a part without the white space around it, with the entities that reach into it."""
    piece = formatted.text[start:end]
    text = piece.strip()
    start += len(piece) - len(piece.lstrip())
    first = utf16_length(formatted.text[:start])
    last = first + utf16_length(text)
    inside = [
        _between(entity, first, last)
        for entity in formatted.entities
        if entity.offset < last and entity.offset + entity.length > first
    ]
    return Formatted(text, tuple(_moved(entity, -first) for entity in inside))


def _between(entity: MessageEntity, first: int, last: int) -> MessageEntity:
    start, end = max(entity.offset, first), min(entity.offset + entity.length, last)
    return entity.model_copy(update={"offset": start, "length": end - start})


def _moved(entity: MessageEntity, by: int) -> MessageEntity:
    return entity.model_copy(update={"offset": entity.offset + by})
