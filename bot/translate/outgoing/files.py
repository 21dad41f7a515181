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
    SendMessage,
    SendPhoto,
    SendSticker,
    SendVideo,
    SendVoice,
    TelegramMethod,
)
from aiogram.types import InlineKeyboardMarkup, InputFile

from bot.translate.files import safe_name
from bot.translate.outgoing.formatted import Formatted, parts
from bot.translate.text import LONGEST_CHARACTER, utf16_length
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

KEYBOARD_REFUSED = ("reply markup", "reply_markup", "keyboard", "button")
ENTITIES_REFUSED = "entit"
FILE_REFUSED = (
    "photo",
    "image",
    "video",
    "animation",
    "voice",
    "audio",
    "sticker",
    "file",
    "media",
)
REPLY_REFUSED = (
    "message to be replied not found",
    "message to reply not found",
    "replied message not found",
    "reply message not found",
    "reply_message_id_invalid",
    "reply_to_invalid",
)
RIGHTS_MISSING = "not enough rights"
"""Such words name what may not be sent, such as photos; nothing is wrong with the file."""

Call = TelegramMethod[Any]


class KommoFile(InputFile):
    """A file at an address, in the place of its bytes: it is fetched before its call is made."""

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
        return _as(ready, SendDocument)
    return ready


def instead(call: Call, description: str) -> Call | None:
    """Return what to try in the place of a refused call; None when nothing else would help.

    Each try asks for less, so they come to an end: a reply becomes a message, formatting goes,
    links leave the keyboard, the keyboard goes, a picture, a voice message and so on become
    plain files.

    Args:
        call: what was refused.
        description: Telegram's words; they change, so parts of them are matched.
    """
    words = description.lower()
    if RIGHTS_MISSING in words:
        return None
    if any(part in words for part in REPLY_REFUSED):
        return _without(call, "reply_parameters")
    if ENTITIES_REFUSED in words:
        return _without(call, "entities") or _without(call, "caption_entities")
    if any(part in words for part in KEYBOARD_REFUSED):
        return _without_links(call, description) or _without(call, "reply_markup")
    if any(part in words for part in FILE_REFUSED):
        plainer = PLAINER.get(type(call))
        return _as(call, plainer) if plainer else None
    return None


def pieces(call: Call, description: str) -> list[Call]:
    """Return what to send in the place of a text that is too long; nothing when it is not that.

    A text is cut again, a caption becomes a text below its file.
    """
    words = description.lower().replace("_", " ")
    if "too long" not in words or any(part in words for part in KEYBOARD_REFUSED):
        return []
    if isinstance(call, SendMessage):
        whole = Formatted(call.text, tuple(call.entities or ()))
        cut = parts(whole, max(utf16_length(call.text) // 2 + 1, LONGEST_CHARACTER))
        texts = [_text_of(call, part) for part in cut]
        return [*texts[:-1], _ended(texts[-1], call)] if len(texts) > 1 else []
    if not getattr(call, "caption", None):
        return []
    caption = Formatted(
        getattr(call, "caption", ""), tuple(getattr(call, "caption_entities", None) or ())
    )
    bare = call.model_copy(
        update={"caption": None, "caption_entities": None, "reply_markup": None}
    )
    below = SendMessage(chat_id=getattr(call, "chat_id", 0), text="", parse_mode=None)
    return [bare, _ended(_text_of(below, caption), call)]


def _text_of(call: SendMessage, text: Formatted) -> SendMessage:
    """Return a call with another text, and without what belongs to the last one."""
    entities = list(text.entities) or None
    return call.model_copy(update={"text": text.text, "entities": entities, "reply_markup": None})


def _ended(last: SendMessage, whole: Call) -> SendMessage:
    """Return the last piece, with the buttons of the whole."""
    return last.model_copy(update={"reply_markup": getattr(whole, "reply_markup", None)})


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

PLAINER: Mapping[type[Call], type[Call]] = {
    SendPhoto: SendDocument,
    SendAnimation: SendDocument,
    SendVideo: SendDocument,
    SendSticker: SendDocument,
    SendVoice: SendAudio,
    SendAudio: SendDocument,
}
"""How a file is shown when Telegram, or the client's privacy, does not take it as what it is."""

FIELDS: Mapping[type[Call], str] = {
    SendPhoto: "photo",
    SendAnimation: "animation",
    SendVideo: "video",
    SendSticker: "sticker",
    SendVoice: "voice",
    SendAudio: "audio",
    SendDocument: "document",
}


def _as(call: Call, kind: type[Call]) -> Call:
    """Return a call that shows the same file as another kind."""
    shared = {
        name: value
        for name, value in call
        if name in kind.model_fields and name not in FIELDS.values() and name != "parse_mode"
    }
    more: dict[str, Any] = {FIELDS[kind]: getattr(call, FIELDS[type(call)]), "parse_mode": None}
    return kind(**shared, **more)


def _without(call: Call, field: str) -> Call | None:
    """Return a call without one of its fields; None when it has no such field."""
    if getattr(call, field, None) is None:
        return None
    return call.model_copy(update={field: None})


def _without_links(call: Call, description: str) -> Call | None:
    """Return a call without the link that Telegram names, or without any when it names none.

    None when the keyboard has no such link, or nothing else.
    """
    markup = getattr(call, "reply_markup", None)
    if not isinstance(markup, InlineKeyboardMarkup):
        return None
    links = {button.url for row in markup.inline_keyboard for button in row if button.url}
    refused = {url for url in links if f"'{url}'" in description} or links
    rows = [
        [button for button in row if button.url not in refused] for row in markup.inline_keyboard
    ]
    kept = [row for row in rows if row]
    if not kept or kept == markup.inline_keyboard:
        return None
    return call.model_copy(update={"reply_markup": InlineKeyboardMarkup(inline_keyboard=kept)})


def _last_step(url: str) -> str:
    """Return the last step of an address's path, which is mostly the file's name."""
    try:
        return unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""
