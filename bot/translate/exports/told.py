"""A message from an export, ready but for its file's link."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from kommo.content import Content

SizeOf = Callable[[str], int | None]
"""Returns how many bytes the file at a path of the export has; None: it is not there."""


class ExportedFile(BaseModel):
    """A file that lies in the export's folder.

    Args:
        path: relative to that folder.
        is_sticker: whether it is served as a picture that every browser shows.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    name: str
    mime_type: str
    size: int
    is_sticker: bool = False


class Mark(BaseModel):
    """An emoji that somebody put on a message."""

    model_config = ConfigDict(frozen=True)

    emoji: str
    user_id: int


class Told(BaseModel):
    """What one old message tells.

    Args:
        kind: of content, in the words of the table that a person reads.
        author_id: Telegram's id of who wrote it, if that is known.
        author: what that person is called; nothing if nobody says.
        file: what `content.media` is to lead to.
        reply_to: the export's name of the message that it answers.
        is_missing: whether it had a file that is not in the export.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    content: Content
    author_id: int | None = None
    author: str = ""
    file: ExportedFile | None = None
    reply_to: str | None = None
    marks: tuple[Mark, ...] = ()
    is_missing: bool = False
