"""Files: kept in memory while they are small, on disk when they are large, or made up as read."""

import hashlib
import mimetypes
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

CHUNK_BYTES: Final = 64 * 2**10
IN_MEMORY_BYTES: Final = 2**20
PATTERN: Final = bytes(range(256)) * (CHUNK_BYTES // 256)

# Reference: Bot API, sendPhoto: a photo's width and height, their sum and their ratio.
PHOTO_SIDES: Final = 10_000
PHOTO_RATIO: Final = 20
# Reference: Bot API, sending files; Telegram's server names these when it refuses others.
PHOTO_EXTENSIONS: Final = frozenset({"", ".jpg", ".jpeg", ".gif", ".png", ".tif", ".bmp"})


@dataclass(frozen=True)
class StoredFile:
    """A file that a bot uploaded or that a client sent.

    Args:
        source: the content, where it lies, or None for bytes that count up from 0 to 255.
    """

    name: str
    size: int
    source: bytes | Path | None

    @property
    def mime_type(self) -> str:
        """What the name says it is."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def extension(self) -> str:
        """The end of the name, in lower case, with its dot."""
        return PurePath(self.name).suffix.lower()

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join(self.chunks())

    @cached_property
    def sha256(self) -> str:
        """The digest of the content, in hexadecimal."""
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """The content, some of it at a time."""
        if isinstance(self.source, bytes):
            yield from (
                self.source[at : at + CHUNK_BYTES]
                for at in range(0, len(self.source), CHUNK_BYTES)
            )
        elif self.source is None:
            whole, rest = divmod(self.size, CHUNK_BYTES)
            yield from (PATTERN for _ in range(whole))
            if rest:
                yield PATTERN[:rest]
        else:
            with self.source.open("rb") as opened:
                while chunk := opened.read(CHUNK_BYTES):
                    yield chunk

    def head(self, length: int = CHUNK_BYTES) -> bytes:
        """How it begins."""
        return next(self.chunks(), b"")[:length]


class Spool:
    """Takes a file as it arrives; beyond a size it goes to disk, beyond the limit nowhere."""

    def __init__(self, name: str, path: Path, *, limit_bytes: int) -> None:
        self._name = name
        self._path = path
        self._limit_bytes = limit_bytes
        self._memory = bytearray()
        self._disk: BinaryIO | None = None
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._disk is not None:
            self._disk.close()

    @property
    def is_too_large(self) -> bool:
        """Whether more has come than is allowed."""
        return self._size > self._limit_bytes

    def write(self, chunk: bytes) -> None:
        """Take some more."""
        self._size += len(chunk)
        if self.is_too_large:
            return
        if self._disk is None and self._size > IN_MEMORY_BYTES:
            self._disk = self._path.open("wb")
            self._disk.write(self._memory)
            self._memory.clear()
        if self._disk is None:
            self._memory += chunk
        else:
            self._disk.write(chunk)

    def finished(self) -> StoredFile:
        """The file, now that all of it has come."""
        if self._disk is None:
            return StoredFile(self._name, self._size, bytes(self._memory))
        self._disk.flush()
        return StoredFile(self._name, self._size, self._path)


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of an image by how it begins; None if it is none that Telegram takes."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _unpacked(">II", head, 16)
    if head.startswith(b"GIF8"):
        return _unpacked("<HH", head, 6)
    if head.startswith(b"BM"):
        return _unpacked("<II", head, 18)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(head)
    if head.startswith((b"II*\0", b"MM\0*")):
        return 1, 1
    return None


def _unpacked(layout: str, head: bytes, at: int) -> tuple[int, int] | None:
    if len(head) < at + struct.calcsize(layout):
        return None
    width, height = struct.unpack_from(layout, head, at)
    return width, height


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    """The size in a JPEG's frame header; a picture cut short before it counts as tiny."""
    at = 2
    while at + 9 <= len(head) and head[at : at + 1] == b"\xff":
        if head[at + 1] in {0xC0, 0xC1, 0xC2}:
            size = _unpacked(">HH", head, at + 5)
            return (size[1], size[0]) if size else None
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return 1, 1


def photo_problem(file: StoredFile) -> str | None:
    """Why Telegram would not take a file as a photo; None if it would."""
    if file.extension not in PHOTO_EXTENSIONS:
        return "photo has unsupported extension. Use one of .jpg, .jpeg, .gif, .png, .tif or .bmp"
    size = image_size(file.head())
    if size is None:
        return "IMAGE_PROCESS_FAILED"
    short, long = sorted(size)
    if short + long > PHOTO_SIDES or short == 0 or long / short > PHOTO_RATIO:
        return "PHOTO_INVALID_DIMENSIONS"
    return None


def media_content(kind: str, file_id: str, file: StoredFile) -> dict[str, Any]:
    """The fields of a `Message` that show a file as a photo, a voice message and so on.

    Reference: Bot API, Message and the types of its media.
    """
    base: dict[str, Any] = {
        "file_id": file_id,
        "file_unique_id": f"unique{file_id}",
        "file_size": file.size,
    }
    named = {"file_name": file.name, "mime_type": file.mime_type}
    moving = {"width": 320, "height": 240, "duration": 3}
    if kind == "photo":
        width, height = image_size(file.head()) or (320, 240)
        small = {**base, "file_id": f"{file_id}s", "file_unique_id": f"unique{file_id}s"}
        thumbnail = {**small, "width": 90, "height": 67, "file_size": min(file.size, 1000)}
        return {"photo": [thumbnail, {**base, "width": width, "height": height}]}
    extra: dict[str, dict[str, Any]] = {
        "document": named,
        "video": {**named, **moving},
        "animation": {**named, **moving},
        "audio": {**named, "duration": 3},
        "voice": {"mime_type": "audio/ogg", "duration": 3},
        "video_note": {"length": 240, "duration": 3},
        "sticker": {
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": file.extension == ".tgs",
            "is_video": file.extension == ".webm",
            "emoji": "👍",
        },
    }
    content = {kind: {**base, **extra[kind]}}
    if kind == "animation":
        content["document"] = {**base, **named}
    return content
