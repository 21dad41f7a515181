"""The content of a message → the parts in which Kommo shows it. Pure.

Every kind of content of Telegram is read by a function below, or has a notice; what is not known
yet is named, so that nothing a client sends goes unseen. Reference: Bot API, Message.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from aiogram.types import Contact as SharedContact
from aiogram.types import (
    LivePhoto,
    Message,
    PaidMediaInfo,
    PaidMediaLivePhoto,
    PaidMediaPhoto,
    PaidMediaVideo,
    Poll,
    PollMedia,
    Venue,
)
from aiogram.types import Location as TelegramLocation

from bot.translate.files import MediaUrl
from bot.translate.incoming import media, notices, rich
from bot.translate.sizes import size_in_words
from bot.translate.text import flatten
from bot.translate.visible import full_name
from kommo.content import Contact, Content, Location

Parts = tuple[Content, ...]
Reader = Callable[[Any, MediaUrl, str | None], Parts]
"""Reads one field of a message; the last argument is the caption."""


def contents(message: Message, media_url: MediaUrl) -> Parts:
    """Return what a message says, in as many parts as Kommo needs; none when it says nothing."""
    kind = message.content_type
    caption = flatten(message.caption or "", message.caption_entities or []) or None
    if kind == "text":
        return (Content(type="text", text=flatten(message.text or "", message.entities or [])),)
    if kind in MEDIA:
        return (MEDIA[kind](getattr(message, kind), media_url, caption),)
    if kind in READERS:
        return READERS[kind](_completed(message, kind), media_url, caption)
    raw = (message.model_extra or {}).get(rich.RAW_FIELD)
    if isinstance(raw, Mapping):
        return rich.contents(raw, media_url)
    text = notices.notice(message)
    return (Content(type="text", text=lines(text, caption)),) if text else ()


def _completed(message: Message | PollMedia, kind: str) -> Any:
    """Return what a message holds, with what older programs are told of it beside it.

    Reference: Bot API, Message (venue: also `location`; live_photo: also `photo`).
    """
    held = getattr(message, kind)
    if isinstance(held, Venue) and math.isnan(held.location.latitude) and message.location:
        return held.model_copy(update={"location": message.location})
    if isinstance(held, LivePhoto) and not held.photo and message.photo:
        return held.model_copy(update={"photo": message.photo})
    return held


def lines(*parts: str | None) -> str:
    """Return texts one below the other; those that are empty take no line."""
    return "\n".join(part for part in parts if part)


def with_heading(content: Content, heading: str) -> Content:
    """Return a content whose text begins with a line of ours."""
    if not heading:
        return content
    return content.model_copy(update={"text": lines(heading, content.text)})


def too_big(content: Content) -> Content:
    """Return what the manager reads instead of a file that bots are not given."""
    name = f" {content.file_name}" if content.file_name else ""
    size = f", {size_in_words(content.file_size)}" if content.file_size else ""
    notice = f"[{content.type}{name}{size}: too big for Telegram's bots]"
    return Content(type="text", text=lines(content.text, notice))


def contact_name(contact: SharedContact) -> str:
    """Return the name in an address book entry."""
    return full_name(contact.first_name, contact.last_name)


def _live_photo(shown: LivePhoto, media_url: MediaUrl, caption: str | None) -> Parts:
    """Return a live photo as the photo, and the video as a second part."""
    if not shown.photo:
        return (media.live_video(shown, media_url, caption),)
    if not shown.file_id:
        return (media.photo(shown.photo, media_url, caption),)
    return media.photo(shown.photo, media_url, caption), media.live_video(shown, media_url)


def _contact(shown: SharedContact, _media_url: MediaUrl, _caption: str | None) -> Parts:
    name, number = contact_name(shown), shown.phone_number
    if not number.strip():
        return (Content(type="text", text=f"[contact] {name}".strip()),)
    return (Content(type="contact", contact=Contact(name=name or number, phone=number)),)


def _location(shown: TelegramLocation, _media_url: MediaUrl, _caption: str | None) -> Parts:
    place = Location(lon=shown.longitude, lat=shown.latitude)
    text = "[live location]" if shown.live_period else None
    return (Content(type="location", location=place, text=text),)


def _venue(shown: Venue, _media_url: MediaUrl, _caption: str | None) -> Parts:
    text = lines(shown.title, shown.address)
    if math.isnan(shown.location.latitude):  # it is not told where that is
        return (Content(type="text", text=lines("[place]", text)),)
    place = Location(lon=shown.location.longitude, lat=shown.location.latitude)
    return (Content(type="location", location=place, text=text),)


def _paid_media(shown: PaidMediaInfo, media_url: MediaUrl, caption: str | None) -> Parts:
    """Return paid media: how many stars it costs, and what of it can be seen."""
    price = f": {shown.star_count} stars" if shown.star_count else ""
    stars = Content(type="text", text=lines(f"[paid media{price}]", caption))
    parts = [stars]
    for item in shown.paid_media:
        match item:
            case PaidMediaPhoto() if item.photo:
                parts.append(media.photo(item.photo, media_url))
            case PaidMediaVideo():
                parts.append(media.video(item.video, media_url))
            case PaidMediaLivePhoto():
                parts += _live_photo(item.live_photo, media_url, None)
            case _:  # a preview shows nothing
                continue
    return tuple(parts)


def _poll(asked: Poll, media_url: MediaUrl, _caption: str | None) -> Parts:
    """Return a poll as a text, then what is attached to it and to its options."""
    attached = [asked.media, *(option.media for option in asked.options)]
    parts = [Content(type="text", text=notices.poll(asked))]
    for shown in filter(None, attached):
        parts += _attached(shown, media_url)
    return tuple(parts)


def _attached(shown: PollMedia, media_url: MediaUrl) -> Parts:
    """Return what is attached to a poll. Reference: Bot API, PollMedia."""
    kind = next((kind for kind in ATTACHED if getattr(shown, kind)), None)
    if kind is None:
        return (Content(type="text", text=shown.link.url),) if shown.link else ()
    if kind in MEDIA:
        return (MEDIA[kind](getattr(shown, kind), media_url, None),)
    return READERS[kind](_completed(shown, kind), media_url, None)


MEDIA: Mapping[str, Callable[[Any, MediaUrl, str | None], Content]] = {
    "photo": media.photo,
    "video": media.video,
    "animation": media.animation,
    "video_note": media.video_note,
    "audio": media.audio,
    "voice": media.voice,
    "document": media.document,
    "sticker": media.sticker,
}

READERS: Mapping[str, Reader] = {
    "live_photo": _live_photo,
    "contact": _contact,
    "location": _location,
    "venue": _venue,
    "paid_media": _paid_media,
    "poll": _poll,
}

ATTACHED = (
    "animation", "live_photo", "venue", "photo", "video", "audio", "document", "sticker",
    "location",
)  # fmt: skip
"""What may be attached to a poll; what sets two fields comes by the first of them."""
