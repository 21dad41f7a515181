"""Texts as Telegram takes them: cleaned, parsed, counted.

Reference: Bot API, sendMessage; Bot API, Formatting options.
"""

import html
import re
import unicodedata
from typing import Any, Final

from sandbox.telegram.model import ApiCall, Json, bad_request

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
RAW_LIMIT_BYTES: Final = 32_768

CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
REMOVED: Final = re.compile(r"[\u2028-\u202e]")
INVISIBLE: Final = frozenset({"Cf", "Cc", "Zs", "Zl", "Zp"})

TOKEN: Final = re.compile(r"<(/?)([a-z][a-z0-9-]*)((?:\s[^<>]*)?)>|[<>]|[^<>]+", re.IGNORECASE)
HREF: Final = re.compile(r"""href\s*=\s*(["'])(.*?)\1""", re.IGNORECASE)
TAGS: Final = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
    "ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
    "span": "spoiler", "tg-spoiler": "spoiler", "a": "text_link", "code": "code", "pre": "pre",
    "blockquote": "blockquote", "tg-emoji": "custom_emoji", "tg-time": "date_time",
}  # fmt: skip

CODE: Final = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
LINK: Final = re.compile(r"\[([^\]]*)\]\((?:[^()\\]|\\.)*\)")
ESCAPED: Final = re.compile(r"\\([\x21-\x7e])")
RESERVED: Final = re.compile(r"[\[\]()>#+\-=|{}.!]")


def clean(text: str) -> str:
    """Return a text as the server stores it; empty if nothing in it can be seen."""
    text = REMOVED.sub("", CONTROL.sub(" ", text.replace("\r", ""))).strip()
    return "" if all(unicodedata.category(char) in INVISIBLE for char in text) else text


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units, in which entities count."""
    return len(text.encode("utf-16-le")) // 2


def message_text(call: ApiCall) -> Json:
    """The text and its entities, or the refusal of what cannot be shown."""
    content = _formatted(call, "text", "entities", call.parameters)
    if "text" not in content:
        raise bad_request("message text is empty")
    if len(content["text"]) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return content


def caption(call: ApiCall, source: Json | None = None) -> Json:
    """The caption and its entities, if there are any; of an album's item, if given."""
    parameters = call.parameters if source is None else source
    content = _formatted(call, "caption", "caption_entities", parameters)
    if len(content.get("caption", "")) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return content


def _formatted(call: ApiCall, field: str, entities_field: str, source: Json) -> Json:
    raw = str(source.get(field) or "")
    if len(raw.encode()) > RAW_LIMIT_BYTES:
        raise bad_request("message is too long" if field == "text" else f"{field} is too long")
    text, entities = _parsed(raw, str(source.get("parse_mode") or "").lower())
    if entities is None:
        given = source.get(entities_field)
        entities = call.decoded(entities_field) if isinstance(given, str) else given or []
        check_entities(text, entities)
    cleaned = clean(text)
    content: Json = {field: cleaned} if cleaned else {}
    length = utf16_length(cleaned)
    if text.startswith(cleaned):
        entities = [entity for entity in entities if entity["offset"] < length]
        if entities:
            content[entities_field] = entities
    return content


def _parsed(raw: str, mode: str) -> tuple[str, list[Json] | None]:
    """Text and entities by the mode; None for entities where the mode says nothing of them."""
    if not mode:
        return raw, None
    if mode == "html":
        return parse_html(raw)
    if mode == "markdownv2":
        return parse_markdown(raw), []
    if mode == "markdown":
        return raw, []
    raise bad_request("unsupported parse_mode")


def check_entities(text: str, entities: list[Json]) -> None:
    """Refuse entities that are not inside their text."""
    length = utf16_length(text)
    for entity in entities:
        start, size = int(entity.get("offset", -1)), int(entity.get("length", 0))
        if start < 0 or size <= 0 or start + size > length:
            raise bad_request("can't parse entities: entity is out of the bounds of the text")


def parse_html(raw: str) -> tuple[str, list[Json]]:
    """Plain text and entities of a text in Telegram's HTML."""
    text, entities, stack = "", list[Json](), list[tuple[str, int, Json]]()
    for token in TOKEN.finditer(raw):
        closing, tag, attributes = token.groups()
        if tag is None:
            if token.group() in "<>":
                raise _unparsable(f'Unexpected "{token.group()}" at offset {token.start()}')
            text += html.unescape(token.group())
        elif not closing:
            stack.append((tag.lower(), utf16_length(text), _entity(tag.lower(), attributes)))
        elif not stack or stack[-1][0] != tag.lower():
            raise _unparsable(f"Unexpected end tag at byte offset {token.start()}")
        else:
            _, start, entity = stack.pop()
            if length := utf16_length(text) - start:
                entities.append({**entity, "offset": start, "length": length})
    if stack:
        raise _unparsable(f"Can't find end tag corresponding to start tag {stack[-1][0]}")
    return text, entities


def _entity(tag: str, attributes: str) -> dict[str, Any]:
    kind = TAGS.get(tag)
    if kind is None:
        raise _unparsable(f'Unsupported start tag "{tag}"')
    href = HREF.search(attributes)
    return {"type": kind, "url": html.unescape(href[2])} if href else {"type": kind}


def parse_markdown(raw: str) -> str:
    """Plain text of a text in MarkdownV2; refuses marks that are open or not escaped."""
    plain = CODE.sub(lambda found: found.group().strip("`"), raw)
    outside = ESCAPED.sub("", LINK.sub(r"\1", CODE.sub("", raw)))
    marks = re.sub(r"\|\||^>", "", outside, flags=re.MULTILINE)
    if reserved := RESERVED.search(marks):
        raise _unparsable(
            f"Character '{reserved.group()}' is reserved and must be escaped with the "
            "preceding '\\'"
        )
    if any(outside.count(mark) % 2 for mark in ("*", "_", "~", "`", "||")):
        raise _unparsable("Can't find end of an entity")
    shown = re.sub(r"(?<!\\)[*_~]|(?<!\\)\|\|", "", LINK.sub(r"\1", plain))
    return ESCAPED.sub(r"\1", shown)


def _unparsable(why: str) -> Exception:
    return bad_request(f"can't parse entities: {why}")
