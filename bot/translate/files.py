"""The file of a message: its id, name and type (pure)."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import regex

NAME_LIMIT = 80
"""Characters of a file name; a longer one is cut before its ending."""

ENDING_LIMIT = 12

OCTETS = "application/octet-stream"

ADDRESS = "telegram-file:"
"""Begins what names a file in a payload."""

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}", re.ASCII)
_UNSAFE = regex.compile(r"[\p{C}\p{Zl}\p{Zp}/\\:*?\"<>|]")
"""What no file system or header is to meet, among it what turns the direction of writing."""


@dataclass(frozen=True)
class TelegramFile:
    """A file as a message tells of it.

    Args:
        file_id: names it for one bot, for good.
        unique_id: stays the same where the other changes; nothing can be fetched with it.
        is_sticker: whether it is served as a picture that every browser shows.
        chat_id: whose it is; 0: nobody's in particular.
    """

    file_id: str
    unique_id: str
    name: str
    mime_type: str
    size: int | None = None
    is_sticker: bool = False
    chat_id: int = 0


@dataclass(frozen=True)
class BotFile:
    """A file, and the bot that it can be had of."""

    bot_id: int
    file: TelegramFile


MediaUrl = Callable[[TelegramFile], str]
"""Returns what stands for a file in a payload."""


def file_address(bot_id: int, file: TelegramFile) -> str:
    """Return what names a bot's file in a payload; the link to it is made when it is delivered."""
    fields = [
        bot_id, file.file_id, file.name, file.mime_type, file.size, file.is_sticker, file.chat_id,
    ]  # fmt: skip
    return ADDRESS + json.dumps(fields, separators=(",", ":"))


def file_at(address: str) -> BotFile | None:
    """Return the file that a payload names; None when it names something else."""
    if not address.startswith(ADDRESS):
        return None
    bot_id, file_id, name, mime_type, size, is_sticker, chat_id = json.loads(
        address.removeprefix(ADDRESS)
    )
    return BotFile(
        bot_id,
        TelegramFile(
            file_id,
            unique_id="",
            name=name,
            mime_type=mime_type,
            size=size,
            is_sticker=is_sticker,
            chat_id=chat_id,
        ),
    )


class Attachment(Protocol):
    """What all kinds of files have. Reference: Bot API, Document."""

    @property
    def file_id(self) -> str:
        """Name it for the bot."""
        ...

    @property
    def file_unique_id(self) -> str:
        """Name it for every bot."""
        ...

    @property
    def file_size(self) -> int | None:
        """Count its bytes."""
        ...


def telegram_file(
    attachment: Attachment,
    *,
    fallback: str,
    default_type: str,
    title: str = "",
    is_sticker: bool = False,
) -> TelegramFile:
    """Return what is known of a file.

    Args:
        attachment: any of a message's files.
        fallback: the name of one that has none.
        default_type: the type of one that does not tell it.
        title: names a file without a name, instead of the fallback.
        is_sticker: see `TelegramFile`.
    """
    titled = f"{title}.{fallback.rpartition('.')[2]}" if title else ""
    return TelegramFile(
        file_id=attachment.file_id,
        unique_id=attachment.file_unique_id,
        name=safe_name(getattr(attachment, "file_name", None) or titled, fallback),
        mime_type=safe_type(getattr(attachment, "mime_type", None) or default_type),
        size=attachment.file_size,
        is_sticker=is_sticker,
    )


class Sized(Protocol):
    """What pictures have. Reference: Bot API, PhotoSize."""

    @property
    def width(self) -> int:
        """Pixels from side to side."""
        ...

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        ...


Picture = TypeVar("Picture", bound=Sized)


def largest(sizes: Sequence[Picture]) -> Picture:
    """Return the best of a photo's sizes."""
    return max(sizes, key=lambda size: size.width * size.height)


def safe_name(name: str, fallback: str) -> str:
    """Return a file name without anything that could do harm, however it was meant."""
    plain = _UNSAFE.sub("_", name.encode("utf-8", "replace").decode()).strip(" .")
    if not plain.strip("_"):
        return fallback
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > ENDING_LIMIT:
        return plain[:NAME_LIMIT]
    return f"{stem[: NAME_LIMIT - len(ending) - 1]}.{ending}"


def safe_type(mime_type: str) -> str:
    """Return a MIME type that may stand in a header; what is none becomes plain octets."""
    plain = mime_type.partition(";")[0].strip().lower()
    return plain if _TYPE.fullmatch(plain) else OCTETS
