"""Telegram's HTML → a text and what is special about its parts. Pure, and free of aiogram.

Reference: Bot API, Formatting options (HTML style).
"""

from dataclasses import dataclass
from html.parser import HTMLParser

from bot.translate.text import clean, utf16_length

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
}


class FormatError(ValueError):
    """A text that is not the HTML which Telegram knows."""


@dataclass(frozen=True)
class Span:
    """One entity. Reference: Bot API, MessageEntity (offsets and lengths are UTF-16 units)."""

    type: str
    offset: int
    length: int
    url: str | None = None


def read_html(html: str) -> tuple[str, list[Span]]:
    """Return the plain text and its spans, in order.

    Raises:
        FormatError: a tag that is not known, or does not close where it should.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    if reader.open:
        raise FormatError(f"has a <{reader.open[-1][0]}> that is not closed")
    return reader.text, sorted(reader.spans, key=lambda span: (span.offset, -span.length))


class _Reader(HTMLParser):
    """Collects the text and the entities of an HTML text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.spans: list[Span] = []
        self.open: list[tuple[str, int, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.text += "\n"
            return
        if tag not in TAGS:
            raise FormatError(f"has a <{tag}>, which Telegram does not know")
        url = dict(attrs).get("href")
        if tag == "a" and not url:
            raise FormatError("has an <a> without href")
        self.open.append((tag, utf16_length(self.text), url))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            raise FormatError(f"has a </{tag}> that closes nothing")
        _tag, offset, url = self.open.pop()
        length = utf16_length(self.text) - offset
        if length:
            kind = TAGS[tag]
            link = url if kind == "text_link" else None
            self.spans.append(Span(kind, offset, length, link))

    def handle_data(self, data: str) -> None:
        self.text += clean(data)
