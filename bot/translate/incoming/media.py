"""A file of Telegram → media of Kommo. Pure.

Reference: Bot API, Message (kinds of files); Kommo, Send or import messages (message types).
"""

from collections.abc import Sequence

from aiogram.types import (
    Animation,
    Audio,
    Document,
    LivePhoto,
    PhotoSize,
    Sticker,
    Video,
    VideoNote,
    Voice,
)

from bot.translate.files import MediaUrl, TelegramFile, largest, telegram_file
from kommo.content import Content, MessageType

JPEG, MP4, MP3, OGG, PNG = "image/jpeg", "video/mp4", "audio/mpeg", "audio/ogg", "image/png"


def photo(sizes: Sequence[PhotoSize], media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return a photo in the best of its sizes. Telegram keeps photos as JPEG."""
    file = telegram_file(largest(sizes), fallback="photo.jpg", default_type=JPEG)
    return _media("picture", file, media_url, caption)


def video(shown: Video, media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return a video."""
    file = telegram_file(shown, fallback="video.mp4", default_type=MP4)
    return _media("video", file, media_url, caption, shown.duration)


def live_video(shown: LivePhoto, media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return the moving half of a live photo."""
    file = telegram_file(shown, fallback="live-photo.mp4", default_type=MP4)
    return _media("video", file, media_url, caption, shown.duration)


def animation(shown: Animation, media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return an animation: mostly a silent MP4, rarely a GIF."""
    file = telegram_file(shown, fallback="animation.mp4", default_type=MP4)
    if file.mime_type.startswith("image/"):
        return _media("picture", file, media_url, caption)
    return _media("video", file, media_url, caption, shown.duration)


def video_note(shown: VideoNote, media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return a round video, which has no name of its own."""
    file = telegram_file(shown, fallback="video-message.mp4", default_type=MP4)
    return _media("video", file, media_url, caption, shown.duration)


def audio(shown: Audio, media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return a piece of music, named by who plays it where the file has no name."""
    title = " - ".join(part for part in (shown.performer, shown.title) if part)
    file = telegram_file(shown, fallback="audio.mp3", default_type=MP3, title=title)
    return _media("audio", file, media_url, caption, shown.duration)


def voice(shown: Voice, media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return a voice message: Ogg with Opus."""
    file = telegram_file(shown, fallback="voice.ogg", default_type=OGG)
    return _media("voice", file, media_url, caption, shown.duration)


def document(shown: Document, media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return a file."""
    file = telegram_file(shown, fallback="file", default_type="application/octet-stream")
    return _media("file", file, media_url, caption)


def sticker(shown: Sticker, media_url: MediaUrl, caption: str | None = None) -> Content:
    """Return a sticker as a picture: itself, or its thumbnail when it moves; with its emoji."""
    picture = shown.thumbnail if shown.is_animated or shown.is_video else shown
    if picture is None or not picture.file_id:
        picture = shown.thumbnail
    if picture is None:
        return Content(type="text", text=f"[sticker] {shown.emoji or ''}".strip())
    file = telegram_file(picture, fallback="sticker.png", default_type=PNG, is_sticker=True)
    return Content(
        type="picture",
        text=caption or shown.emoji or "[sticker]",
        media=media_url(file),
        file_name=file.name,
    )


def _media(
    kind: MessageType,
    file: TelegramFile,
    media_url: MediaUrl,
    caption: str | None,
    duration_s: int | None = None,
) -> Content:
    return Content(
        type=kind,
        text=caption,
        media=media_url(file),
        file_name=file.name,
        file_size=file.size,
        media_duration=duration_s,
    )
