"""The files that kept rows name: a client's with Telegram, managers' with Kommo. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.translate.files import BotFile, TelegramFile, file_at, safe_name, safe_type
from bot.translate.ids import parse_conversation

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""What is kept, as `storage.kept` reads it."""

WEB = ("http://", "https://")
PREVIEWS = frozenset({"thumbnail", "thumb", "cover", "qualities"})
QUOTED = frozenset({"reply_to", "forwards"})
"""What a webhook repeats of other messages."""


@dataclass(frozen=True)
class WebFile:
    """A file that a manager sent, where Kommo has it."""

    address: str
    name: str


def files_in(rows: Rows) -> list[BotFile | WebFile]:
    """Return every file once, those of the oldest rows first."""
    found: dict[tuple[int, str], BotFile | WebFile] = {}
    for file in _files(rows):
        found.setdefault(_key(file), file)
    return list(found.values())


def _key(file: BotFile | WebFile) -> tuple[int, str]:
    if isinstance(file, BotFile):
        return file.bot_id, file.file.file_id
    return 0, file.address


def _files(rows: Rows) -> Iterator[BotFile | WebFile]:
    for row in (*rows.get("to_kommo", ()), *rows.get("unread_updates", ())):
        yield from _clients(row.get("payload"), _bot_id(row))
    for row in rows.get("to_telegram", ()):
        yield from _managers(row.get("payload"))
    for row in rows.get("pictures", ()):
        if row.get("file_id"):
            picture = TelegramFile(row["file_id"], "", "avatar.jpg", "image/jpeg")
            yield BotFile(_bot_id(row), picture)


def _bot_id(row: Mapping[str, Any]) -> int:
    address = parse_conversation(row.get("conversation_id") or "")
    return address.bot_id if address else 0


def _clients(part: Any, bot_id: int) -> Iterator[BotFile]:
    """Yield the files of a payload: named by it, or by an update that is kept as it came."""
    if isinstance(part, str):
        file = file_at(part)
        if file is not None:
            yield file
    elif isinstance(part, Mapping):
        if isinstance(part.get("file_id"), str):
            yield BotFile(bot_id, _attached(part))
        for key, value in part.items():
            if key not in PREVIEWS:
                yield from _clients(value, bot_id)
    elif isinstance(part, list):
        for each in _without_smaller(part):
            yield from _clients(each, bot_id)


def _attached(part: Mapping[str, Any]) -> TelegramFile:
    """Return a file as an update tells of it. Reference: Bot API, Document."""
    name, mime_type, size = (part.get(key) for key in ("file_name", "mime_type", "file_size"))
    is_photo = mime_type is None and "width" in part
    return TelegramFile(
        part["file_id"],
        "",
        safe_name(name if isinstance(name, str) else "", "photo.jpg" if is_photo else "file"),
        safe_type(mime_type if isinstance(mime_type, str) else "image/jpeg" if is_photo else ""),
        size if isinstance(size, int) else None,
    )


def _without_smaller(parts: Sequence[Any]) -> Sequence[Any]:
    """Return the best of a photo's sizes instead of all. Reference: Bot API, PhotoSize."""
    sizes = [part for part in parts if isinstance(part, Mapping) and "file_id" in part]
    if not sizes or len(sizes) < len(parts) or not all("width" in size for size in sizes):
        return parts
    return [max(sizes, key=lambda size: _number(size, "width") * _number(size, "height"))]


def _number(part: Mapping[str, Any], key: str) -> int:
    value = part.get(key)
    return value if isinstance(value, int) else 0


def _managers(part: Any) -> Iterator[WebFile]:
    """Yield the files of a webhook's message. Reference: Kommo, Receiving chat webhooks."""
    if isinstance(part, list):
        for each in part:
            yield from _managers(each)
    elif isinstance(part, Mapping):
        address, name = part.get("media"), part.get("file_name")
        if isinstance(address, str) and address.startswith(WEB):
            last = address.partition("?")[0].rpartition("/")[2]
            yield WebFile(address, safe_name(name if isinstance(name, str) else last, "file"))
        for key, value in part.items():
            if key not in QUOTED:
                yield from _managers(value)
