"""The content of a message that is sent, in our words; `wire()` returns Kommo's.

Reference: Kommo, Send or import messages.
"""

from typing import Literal, Self

from pydantic import (
    FiniteFloat,
    model_validator,
)

from kommo.payload import Payload, Text

MessageType = Literal[
    "text", "contact", "file", "video", "picture", "voice", "audio", "sticker", "location"
]


MEDIA_TYPES = frozenset({"file", "video", "picture", "voice", "audio", "sticker"})


class Location(Payload):
    """A place, in degrees."""

    lon: FiniteFloat
    lat: FiniteFloat


class Contact(Payload):
    """An address book entry that somebody sent."""

    name: Text
    phone: Text


class Content(Payload):
    """What a message says.

    Args:
        type: decides which of the other fields are required.
        text: the text, or the caption of media.
        media: public URL that Kommo fetches some time later.
        file_size: of what `media` serves, in bytes.
        media_duration: of video, audio and voice, in seconds.
        callback_data: repeats that of a chosen row of a list message.
    """

    type: MessageType
    text: Text | None = None
    media: str | None = None
    file_name: Text | None = None
    file_size: int | None = None
    media_duration: int | None = None
    sticker_id: str | None = None
    location: Location | None = None
    contact: Contact | None = None
    callback_data: Text | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.type in {"text", "location", "contact"} and getattr(self, self.type) is None:
            raise ValueError(f"{self.type} is required")
        return self
