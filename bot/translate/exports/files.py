"""The file of an exported message: which one, of what kind, or what to say in its place. Pure.

Reference: Telegram Desktop, export format JSON (`photo`, `file`, `media_type`).
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.translate.exports.fields import Json, amount, words
from bot.translate.exports.told import ExportedFile, SizeOf
from bot.translate.files import safe_name, safe_type
from bot.translate.sizes import size_in_words
from bot.translate.visible import visible
from kommo.content import Content, MessageType

WEBP, PNG = "image/webp", "image/png"


@dataclass(frozen=True)
class Shape:
    """How Kommo shows a kind of file.

    Args:
        kind: what a person calls it.
        type: what Kommo calls it.
        fallback: the name of one without a name.
        mime_type: of one that does not tell it.
    """

    kind: str
    type: MessageType
    fallback: str
    mime_type: str


SHAPES = {
    "photo": Shape("photo", "picture", "photo.jpg", "image/jpeg"),
    "video_file": Shape("video", "video", "video.mp4", "video/mp4"),
    "video_message": Shape("round video", "video", "video-message.mp4", "video/mp4"),
    "animation": Shape("animation", "video", "animation.mp4", "video/mp4"),
    "voice_message": Shape("voice", "voice", "voice.ogg", "audio/ogg"),
    "audio_file": Shape("audio", "audio", "audio.mp3", "audio/mpeg"),
    "sticker": Shape("sticker", "picture", "sticker.png", PNG),
}
DOCUMENT = Shape("file", "file", "file", "application/octet-stream")
PICTURE = Shape("animation", "picture", "animation.gif", "image/gif")
TIMED = frozenset({"video", "audio", "voice"})


@dataclass(frozen=True)
class Shown:
    """What a message with a file becomes; without a file, the content says why."""

    kind: str
    content: Content
    file: ExportedFile | None = None


def file_of(message: Json, text: str, size_of: SizeOf) -> Shown | None:
    """Return a message's file with its caption; None when it has none."""
    key = "photo" if "photo" in message else "file"
    if key not in message:
        return None
    shape = _shape(message, key)
    path = words(message[key])
    if shape is SHAPES["sticker"]:
        return _sticker(message, path, text, size_of)
    size = size_of(path) if _is_path(path) else None
    if size is None:
        return Shown(shape.kind, _missing(message, key, shape, text))
    file = ExportedFile(
        path=path, name=_name(message, key, shape), mime_type=_type(message, shape), size=size
    )
    return Shown(shape.kind, _media(shape, file, text, _seconds(message, shape)), file)


def plain_file(kind: str, file: ExportedFile, text: str) -> Content:
    """Return a file of another system: the shape by the name of its kind."""
    shape = NEUTRAL[kind]
    return _media(shape, file, text, None)


NEUTRAL = {
    "photo": SHAPES["photo"],
    "video": SHAPES["video_file"],
    "voice": SHAPES["voice_message"],
    "audio": SHAPES["audio_file"],
    "sticker": SHAPES["sticker"],
    "file": DOCUMENT,
}
"""The kinds of the neutral format."""


def missing(kind: str, name: str, size: int | None, text: str) -> Content:
    """Return what the manager reads instead of a file that is not there."""
    named = f" {visible(name)}" if visible(name) else ""
    told = f", {size_in_words(size)}" if size else ""
    notice = f"[{kind}{named}{told}: the file is not in the export]"
    return Content(type="text", text="\n".join(filter(None, (text, notice))))


def _shape(message: Json, key: str) -> Shape:
    if key == "photo":
        return SHAPES["photo"]
    kind = words(message.get("media_type"))
    if kind == "animation" and words(message.get("mime_type")).startswith("image/"):
        return PICTURE
    return SHAPES.get(kind, DOCUMENT)


def _is_path(path: str) -> bool:
    """Tell whether a value names a file: a sentence in parentheses says why there is none."""
    return bool(path) and not path.startswith("(")


def _name(message: Json, key: str, shape: Shape) -> str:
    told = words(message.get("file_name"))
    if not told and shape.kind == "audio":
        parts = (words(message.get("performer")), words(message.get("title")))
        titled = " - ".join(filter(None, map(visible, parts)))
        told = f"{titled}.mp3" if titled else ""
    return safe_name(told or PurePosixPath(words(message[key])).name, shape.fallback)


def _type(message: Json, shape: Shape) -> str:
    return safe_type(words(message.get("mime_type")) or shape.mime_type)


def _seconds(message: Json, shape: Shape) -> int | None:
    return amount(message.get("duration_seconds")) if shape.type in TIMED else None


def _missing(message: Json, key: str, shape: Shape, text: str) -> Content:
    size = amount(message.get("photo_file_size" if key == "photo" else "file_size"))
    is_gone = "self_destruct_period_seconds" in message
    kind = f"self-destructing {shape.kind}" if is_gone else shape.kind
    path = words(message[key])
    own = PurePosixPath(path).name if _is_path(path) and key == "file" else ""
    return missing(kind, words(message.get("file_name")) or own, size, text)


def _sticker(message: Json, path: str, text: str, size_of: SizeOf) -> Shown:
    """Return a sticker as a picture: itself, or its thumbnail when it moves; with its emoji."""
    emoji = words(message.get("sticker_emoji"))
    for candidate in (path, words(message.get("thumbnail"))):
        mime_type = PICTURES.get(PurePosixPath(candidate).suffix.lower())
        size = size_of(candidate) if mime_type and _is_path(candidate) else None
        if size is not None:
            file = ExportedFile(
                path=candidate, name="sticker.png", mime_type=PNG, size=size, is_sticker=True
            )
            content = Content(
                type="picture", text=text or emoji or "[sticker]", file_name=file.name
            )
            return Shown("sticker", content, file)
    words_only = "\n".join(filter(None, (f"[sticker] {emoji}".strip(), text)))
    return Shown("sticker", Content(type="text", text=words_only))


PICTURES = {".webp": WEBP, ".png": PNG, ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
"""What can be shown of a sticker."""


def _media(shape: Shape, file: ExportedFile, text: str, seconds: int | None) -> Content:
    return Content(
        type=shape.type,
        text=text or None,
        file_name=file.name,
        file_size=None if file.is_sticker else file.size,
        media_duration=seconds,
    )
