"""A line of the neutral format → what Kommo is to show of it. Pure.

The format is described in docs/guide/import-format.md.
"""

import json
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from bot.translate.exports.files import NEUTRAL, missing, plain_file
from bot.translate.exports.told import ExportedFile, SizeOf, Told
from bot.translate.files import safe_name
from bot.translate.ids import ID_LIMIT
from bot.translate.visible import visible
from kommo.content import Content

LONGEST_NAME = 200
LATEST_S = 253_402_214_399
"""A day before the last second that a date of four digits names, in every zone."""


class LineError(ValueError):
    """A line that is not of the format; the text says what is wrong with it."""


def _seconds(value: Any) -> Any:
    """Return a moment in seconds since 1970."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("is neither Unix seconds nor a date in ISO 8601") from None
        if moment.tzinfo is None:
            raise ValueError("has no time zone: end it with Z or an offset such as +02:00")
        return int(moment.astimezone(UTC).timestamp())
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is neither Unix seconds nor a date in ISO 8601")
    return int(value)


def _name(value: Any) -> Any:
    """Return an id as text: 7 and "7" are the same."""
    if isinstance(value, bool) or not isinstance(value, int | str) or str(value) == "":
        raise ValueError("is neither a text nor a whole number")
    return str(value)


Moment = Annotated[int, BeforeValidator(_seconds), Field(ge=0, le=LATEST_S)]
Name = Annotated[str, BeforeValidator(_name), Field(max_length=LONGEST_NAME)]
TelegramId = Annotated[int, Field(strict=True, gt=0, lt=ID_LIMIT)]


class Line(BaseModel):
    """One message of another system."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    chat_id: TelegramId
    id: Name
    at: Moment
    side: Literal["client", "company"]
    name: str = ""
    author_id: TelegramId | None = None
    text: str = ""
    file: str | None = Field(None, min_length=1)
    file_name: str | None = None
    kind: Literal["photo", "video", "voice", "audio", "sticker", "file"] | None = None
    reply_to: Name | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.text.strip() and self.file is None:
            raise ValueError("text or file is required")
        return self

    def told(self, size_of: SizeOf) -> Told:
        """Return what it tells."""
        kind = self.kind or "file"
        content, file = Content(type="text", text=self.text), None
        if self.file is not None:
            content, file = self._with_file(kind, self.file, size_of)
        return Told(
            kind=kind if self.file else "text",
            content=content,
            author_id=self.author_id,
            author=visible(self.name),
            file=file,
            reply_to=self.reply_to,
            is_missing=self.file is not None and file is None,
        )

    def _with_file(
        self, kind: str, path: str, size_of: SizeOf
    ) -> tuple[Content, ExportedFile | None]:
        size = size_of(path)
        shape, own = NEUTRAL[kind], PurePosixPath(path).name
        if size is None:
            return missing(kind, self.file_name or own, None, self.text), None
        file = ExportedFile(
            path=path,
            name=safe_name(self.file_name or own, shape.fallback),
            mime_type=_TYPES.get(PurePosixPath(path).suffix.lower(), shape.mime_type),
            size=size,
            is_sticker=kind == "sticker",
        )
        return plain_file(kind, file, self.text), file


_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".wav": "audio/wav",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
}


def read_line(text: str) -> Line:
    """Read a line.

    Raises:
        LineError: it is not of the format.
    """
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise LineError(str(error) if isinstance(error, LineError) else "is not JSON") from None
    if not isinstance(data, dict):
        raise LineError("is no JSON object")
    if "\\u" in text and not _is_whole(data):
        raise LineError("holds half a character")
    try:
        return Line.model_validate(data)
    except ValidationError as error:
        raise LineError("; ".join(map(_wrong, error.errors(include_url=False)))) from None


def _is_whole(data: dict[str, Any]) -> bool:
    """Tell whether all of a line can be written: escapes may hold half a surrogate pair."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise LineError("has a key twice")
    return found


def _wrong(details: Any) -> str:
    """Return what is wrong with a line; never what stands in it, but for a key's name."""
    key = str(details["loc"][0]) if details["loc"] else ""
    cause = details.get("ctx", {}).get("error")
    if details["type"] == "extra_forbidden":
        known = ", ".join(Line.model_fields)
        return f"{key[:LONGEST_NAME]!r} is no key of the format; the keys are {known}"
    if cause is not None:
        return f"{key} {cause}".strip()
    return f"{key} {_WORDS.get(details['type'], 'is not what it should be')}"


_WORDS = {
    "missing": "is missing",
    "int_type": "is not a whole number",
    "string_type": "is not a text",
    "literal_error": "is not one of the possible values",
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than": "is too large",
    "less_than_equal": "is too large",
    "string_too_short": "is empty",
    "string_too_long": "is too long",
}
