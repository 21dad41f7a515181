"""The content of a message that Kommo reports: in webhooks, in quotes, in histories."""

from dataclasses import dataclass

from kommo.content import Contact, Location
from kommo.wire import Fields


@dataclass(frozen=True)
class Body:
    """What a message says; what Kommo left out is None or empty.

    Args:
        type: one of the message types, or one that this version does not know.
        text: the text, or the caption of media.
        media: the file's address.
        file_size: in bytes.
    """

    type: str = ""
    text: str = ""
    media: str | None = None
    thumbnail: str | None = None
    file_name: str | None = None
    file_size: int | None = None
    location: Location | None = None
    contact: Contact | None = None


NOTHING = Body()


def body(fields: Fields) -> Body:
    """Read what a message says."""
    return Body(
        type=fields.text("type"),
        text=fields.text("text"),
        media=fields.optional("media"),
        thumbnail=fields.optional("thumbnail"),
        file_name=fields.optional("file_name"),
        file_size=fields.size("file_size"),
        location=_location(fields.child("location")),
        contact=_contact(fields.child("contact")),
    )


def _location(fields: Fields) -> Location | None:
    lon, lat = fields.decimal("lon"), fields.decimal("lat")
    return None if lon is None or lat is None else Location(lon=lon, lat=lat)


def _contact(fields: Fields) -> Contact | None:
    return Contact(name=fields.text("name"), phone=fields.text("phone")) if fields else None
