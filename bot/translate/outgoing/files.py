"""A manager's file → the Telegram call that shows it, and what to try when Telegram refuses. Pure.

Reference: Bot API, Sending files.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from aiogram import Bot
from aiogram.methods import (
    SendAnimation,
    SendAudio,
    SendDocument,
    SendPhoto,
    SendSticker,
    SendVideo,
    SendVoice,
    TelegramMethod,
)
from aiogram.types import InputFile

from bot.translate.files import safe_name
from bot.translate.outgoing.formatted import Formatted
from kommo.body import Body

UPLOAD_LIMIT_BYTES = 50 << 20
"""Reference: Bot API, Sending files (50 MB for files sent as multipart/form-data)."""

PHOTO_LIMIT_BYTES = 10 << 20
"""Reference: Bot API, sendPhoto (at most 10 MB)."""

PHOTO_ENDINGS = frozenset({"", ".jpg", ".jpeg", ".png", ".tif", ".bmp"})
STICKER_ENDINGS = frozenset({".webp", ".tgs", ".webm"})

NAMES = {
    "picture": "photo.jpg",
    "video": "video.mp4",
    "voice": "voice.ogg",
    "audio": "audio.mp3",
    "sticker": "sticker.webp",
}
"""Names of files that have none."""


Call = TelegramMethod[Any]


class KommoFile(InputFile):
    """A file at an address, instead of its bytes: it is fetched before its call is made."""

    def __init__(self, url: str, filename: str) -> None:
        super().__init__(filename=filename)
        self.url = url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KommoFile) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.url, self.filename))

    def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:
        """Refuse: there is nothing to send yet."""
        raise TypeError("a file is fetched before it is sent")


def kommo_file(body: Body) -> KommoFile | None:
    """Return the file of a message; None when it has none."""
    if not body.media:
        return None
    name = body.file_name or _last_step(body.media)
    return KommoFile(body.media, safe_name(name, NAMES.get(body.type, "file")))


def media_call(kind: str, file: KommoFile, *, chat_id: int) -> Call:
    """Return the call that shows a file as what the manager sent it as."""
    ending = PurePosixPath(file.filename or "").suffix.lower()
    builder = BUILDERS.get(kind, _document)
    if ending == ".gif" and kind in {"picture", "sticker"}:
        builder = _animation
    elif kind == "picture" and ending not in PHOTO_ENDINGS:
        builder = _document
    elif kind == "sticker" and ending not in STICKER_ENDINGS:
        builder = _photo if ending in PHOTO_ENDINGS else _document
    return builder(file, chat_id)


def takes_caption(call: Call) -> bool:
    """Tell whether a call can say something beside its file."""
    return "caption" in type(call).model_fields


def with_caption(call: Call, caption: Formatted) -> Call:
    """Return a call that says something beside its file."""
    entities = list(caption.entities) or None
    return call.model_copy(update={"caption": caption.text, "caption_entities": entities})


def file_of(call: Call) -> tuple[str, KommoFile] | None:
    """Return the file to be fetched for a call, and the field in which it stands."""
    found = ((name, value) for name, value in call if isinstance(value, KommoFile))
    return next(found, None)


def with_file(call: Call, field: str, file: InputFile, *, size: int) -> Call:
    """Return a call with the fetched file; a picture too big for a photo goes as a document."""
    ready = call.model_copy(update={field: file})
    if isinstance(ready, SendPhoto) and size > PHOTO_LIMIT_BYTES:
        return shown_as(ready, SendDocument)
    return ready


def _document(file: InputFile, chat_id: int) -> Call:
    return SendDocument(chat_id=chat_id, document=file, parse_mode=None)


def _photo(file: InputFile, chat_id: int) -> Call:
    return SendPhoto(chat_id=chat_id, photo=file, parse_mode=None)


def _animation(file: InputFile, chat_id: int) -> Call:
    return SendAnimation(chat_id=chat_id, animation=file, parse_mode=None)


def _video(file: InputFile, chat_id: int) -> Call:
    return SendVideo(chat_id=chat_id, video=file, parse_mode=None, supports_streaming=True)


def _audio(file: InputFile, chat_id: int) -> Call:
    return SendAudio(chat_id=chat_id, audio=file, parse_mode=None)


def _voice(file: InputFile, chat_id: int) -> Call:
    return SendVoice(chat_id=chat_id, voice=file, parse_mode=None)


def _sticker(file: InputFile, chat_id: int) -> Call:
    return SendSticker(chat_id=chat_id, sticker=file)


BUILDERS: Mapping[str, Callable[[InputFile, int], Call]] = {
    "picture": _photo,
    "video": _video,
    "voice": _voice,
    "audio": _audio,
    "sticker": _sticker,
    "file": _document,
}


FIELDS: Mapping[type[Call], str] = {
    SendPhoto: "photo",
    SendAnimation: "animation",
    SendVideo: "video",
    SendSticker: "sticker",
    SendVoice: "voice",
    SendAudio: "audio",
    SendDocument: "document",
}


def shown_as(call: Call, kind: type[Call]) -> Call:
    """Return a call that shows the same file as another kind."""
    shared = {
        name: value
        for name, value in call
        if name in kind.model_fields and name not in FIELDS.values() and name != "parse_mode"
    }
    more: dict[str, Any] = {FIELDS[kind]: getattr(call, FIELDS[type(call)]), "parse_mode": None}
    return kind(**shared, **more)


def _last_step(url: str) -> str:
    """Return the last step of an address's path, which is mostly the file's name."""
    try:
        return unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""
