"""Texts for either side: clean, measure, split for Telegram, flatten for Kommo (pure)."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import takewhile
from operator import itemgetter
from typing import Protocol

import regex

TEXT_LIMIT = 4096
"""UTF-16 units of a message's text. Reference: Bot API, sendMessage (1-4096 characters)."""

CAPTION_LIMIT = 1024
"""UTF-16 units of a caption. Reference: Bot API, sendPhoto (0-1024 characters)."""

LONGEST_CHARACTER = 2
"""UTF-16 units of one code point outside the Basic Multilingual Plane."""

_GRAPHEME = regex.compile(r"\X")

_GAP = regex.compile(
    r"(?<![\s\p{Grapheme_Cluster_Break=Prepend}])"
    r"[^\S\u00A0\u2007\u202F]++"  # no-break spaces are no place to break
    r"(?![\s\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}])"
)
"""White space that does not belong to the grapheme before or after it."""

_CONTROL = regex.compile(r"[\p{Cc}--\n]", regex.VERSION1)

Gap = tuple[int, int]
"""Where white space begins and ends in a text."""


class Entity(Protocol):
    """What `flatten` reads of a message entity. Reference: Bot API, MessageEntity."""

    @property
    def offset(self) -> int:
        """Count the UTF-16 units before it."""
        ...

    @property
    def length(self) -> int:
        """Count its UTF-16 units."""
        ...

    @property
    def url(self) -> str | None:
        """Give the address of a text_link."""
        ...


def utf16_length(text: str) -> int:
    """Return the length as Telegram's entities count it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Return a text as Telegram's server will take it, to know beforehand whether any is left.

    Carriage returns go, other control characters become spaces, half a surrogate pair becomes
    U+FFFD, and so the text can always be encoded. Reference: Bot API, sendMessage.
    """
    return _CONTROL.sub(" ", whole(text).replace("\r", ""))


def whole(text: str) -> str:
    """Return a text that can be encoded: half a surrogate pair becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def split(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """Cut a text into parts that Telegram takes: at a paragraph, a line, a space, a grapheme.

    Only white space at the cuts is dropped, and parts that hold nothing else: a text of white
    space has no parts. Only a grapheme that is longer than a part is itself cut.

    Args:
        text: any text, cleaned or not.
        limit: the most UTF-16 units of a part, 2 or more. At 4096, a part has at most 12,288
            bytes in UTF-8, well below the 32,768 that Telegram takes before it reads entities.
    """
    if limit < LONGEST_CHARACTER:
        raise ValueError(f"a part needs room for {LONGEST_CHARACTER} UTF-16 units")
    gaps = _gaps(text)
    parts = []
    start = 0
    while start < len(text):
        cut, following = _next_cut(text, start, limit, gaps)
        parts.append(text[start:cut])
        start = following
    return [part for part in parts if part.strip()]


def flatten(text: str, entities: Iterable[Entity]) -> str:
    """Return a formatted text as plain text: a link keeps its address, all else its words.

    Reference: Bot API, MessageEntity (offsets and lengths are UTF-16 units).
    """
    data = text.encode("utf-16-le", "surrogatepass")
    plain, done = bytearray(), 0
    for end, url in sorted(_links(data, entities)):
        plain += data[done:end] + f" ({url})".encode("utf-16-le", "surrogatepass")
        done = end
    plain += data[done:]
    return plain.decode("utf-16-le", "surrogatepass")


def _gaps(text: str) -> tuple[Sequence[Gap], ...]:
    """Return the places to cut at, best kind first: between paragraphs, lines, words."""
    paragraphs: list[Gap] = []
    lines: list[Gap] = []
    words: list[Gap] = []
    for match in _GAP.finditer(text):
        breaks = match[0].replace("\r\n", "\n").count("\n")
        kind = (words, lines, paragraphs)[min(breaks, 2)]
        kind.append(match.span())
    return paragraphs, lines, words


def _next_cut(text: str, start: int, limit: int, gaps: tuple[Sequence[Gap], ...]) -> Gap:
    """Return where the part that begins at `start` ends, and where the next one begins."""
    end = _furthest(text, start, limit)
    if end == len(text):
        return end, end
    for kind in gaps:
        index = bisect_right(kind, end, key=itemgetter(0)) - 1
        if index >= 0 and kind[index][0] > start:
            return kind[index]
    cut = _grapheme_end(text, start, end)
    return cut, cut


def _furthest(text: str, start: int, limit: int) -> int:
    """Return the largest index up to which the text fits into `limit` UTF-16 units."""
    end = min(start + limit, len(text))
    while (excess := utf16_length(text[start:end]) - limit) > 0:
        end -= (excess + 1) // 2
    return end


def _grapheme_end(text: str, start: int, end: int) -> int:
    """Return the last end of a grapheme up to `end`; `end` when the first one reaches beyond."""
    ends = (match.end() for match in _GRAPHEME.finditer(text, start, end + 1))
    return max(takewhile(end.__ge__, ends), default=end)


def _links(data: bytes, entities: Iterable[Entity]) -> Iterable[tuple[int, str]]:
    """Return the addresses that the text does not show, each with the byte it belongs before."""
    for entity in entities:
        if not entity.url:
            continue
        start, end = _span(data, entity)
        if not is_same_address(data[start:end].decode("utf-16-le", "replace"), entity.url):
            yield end, entity.url


def _span(data: bytes, entity: Entity) -> tuple[int, int]:
    """Return an entity's bytes: within the text, and not ending inside a surrogate pair."""
    start = min(max(2 * entity.offset, 0), len(data))
    end = min(max(2 * (entity.offset + entity.length), start), len(data))
    is_inside_pair = 0 < end < len(data) and 0xDC <= data[end + 1] <= 0xDF  # noqa: PLR2004
    return start, end + 2 if is_inside_pair else end


def is_same_address(shown: str, url: str) -> bool:
    """Tell whether a link shows its own address."""
    return _bare(shown) == _bare(url)


def _bare(url: str) -> str:
    """Return what tells two addresses apart; only of the host's name the case means nothing."""
    bare = url.strip().removeprefix("https://").removeprefix("http://").rstrip("/")
    host, slash, rest = bare.partition("/")
    return f"{host.casefold()}{slash}{rest}"
