"""Serves the files behind media links: streamed, whole or in part, in constant memory.

Reference: Kommo, Send or import messages (`media` is fetched some time later, by GET).
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
from aiohttp import web

from bot.http.refusals import Refusals
from bot.media.byte_ranges import Part, UnsatisfiableError, part_of
from bot.media.export_files import ExportFiles
from bot.media.file_errors import UNAVAILABLE, FileError
from bot.media.links import ROOT, LinkError, MediaLink, MediaLinks
from bot.media.revoked import ForgottenFiles
from bot.media.stickers import png
from bot.media.telegram_files import CHUNK_BYTES, TelegramFiles
from storage.errors import StorageError

PATH = ROOT + "{link:.*}"
STICKER_LIMIT_BYTES = 2 << 20
SHOWN_TYPES = ("image/", "video/", "audio/")
STALLED_S = 60
"""How long a reader may take nothing before it is cut off: others wait for the slot."""

CONVERSIONS = 4
"""So many stickers are converted at a time; each takes some megabytes for a moment."""

AGAIN = {UNAVAILABLE: {"Retry-After": "30"}}
"""What says when to come again."""

READERS = 400
"""So many files are read at a time: the rest of the connections is for webhooks."""

log = logging.getLogger(__name__)


class MediaRoute:
    """Answers GET and HEAD of media links."""

    def __init__(
        self,
        links: MediaLinks,
        files: TelegramFiles,
        forgotten: ForgottenFiles,
        exports: ExportFiles,
    ) -> None:
        self._links = links
        self._files = files
        self._exports = exports
        self._forgotten = forgotten
        self._conversions = asyncio.Semaphore(CONVERSIONS)
        self._readers = 0
        self._refusals = Refusals(log)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; an error says nothing but its status."""
        token, _, name = request.match_info["link"].partition("/")
        try:
            link = self._links.read(token, name)
            await self._forgotten.refuse(link)
        except LinkError as error:
            self._refusals.warn(f"media link refused: {error}")
            return web.Response(status=403)
        except StorageError:
            log.exception("media not served: the database does not answer")
            return web.Response(status=503)
        if self._readers >= READERS:
            self._refusals.warn("too many files are read at a time, more are refused")
            return web.Response(status=503, headers={"Retry-After": "10"})
        self._readers += 1
        try:
            return await self._serve(request, link)
        finally:
            self._readers -= 1

    async def _serve(self, request: web.Request, link: MediaLink) -> web.StreamResponse:
        """Answer a request whose link is good."""
        try:
            if link.is_sticker:
                return await self._sticker(request, link)
            if link.is_export:
                return await self._exported(request, link)
            return await self._file(request, link)
        except FileError as error:
            self._refusals.warn(f"media not served: {error}", bot=link.bot_id)
            return web.Response(status=error.status, headers=AGAIN.get(error.status))
        except UnsatisfiableError as error:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{error.size}"})

    async def _file(self, request: web.Request, link: MediaLink) -> web.StreamResponse:
        """Stream a file as Telegram keeps it."""
        found = await self._files.find(link.bot_id, link.file_id, size=link.size)
        is_part = request.method != "HEAD" and found.size is not None
        part = _part(request, link, found.size or 0) if is_part else None
        async with self._files.open(found, part.start if part else 0) as opened:
            size = opened.size if opened.size is not None else found.size
            return await _answer(request, link, link.mime_type, size, opened.chunks, part=part)

    async def _exported(self, request: web.Request, link: MediaLink) -> web.StreamResponse:
        """Stream a file of an export, as it lies on this machine's disk."""
        async with self._exports.open(link) as opened:
            size = opened.size or 0
        part = None if request.method == "HEAD" else _part(request, link, size)
        async with self._exports.open(link, part.start if part else 0) as opened:
            return await _answer(
                request, link, link.mime_type, opened.size, opened.chunks, part=part
            )

    async def _sticker(self, request: web.Request, link: MediaLink) -> web.StreamResponse:
        """Answer with a sticker as PNG; one that cannot be converted, as it is."""
        async with self._conversions:
            original = await self._sticker_file(link)
            converted = await asyncio.to_thread(png, original)
        content = original if converted is None else converted
        mime_type = "image/webp" if converted is None else link.mime_type
        part = _part(request, link, len(content))
        start = part.start if part else 0
        return await _answer(
            request, link, mime_type, len(content), _once(content[start:]), part=part
        )

    async def _sticker_file(self, link: MediaLink) -> bytes:
        if link.is_export:
            return await self._exports.read(link, limit_bytes=STICKER_LIMIT_BYTES)
        found = await self._files.find(link.bot_id, link.file_id, size=link.size)
        return await self._files.read(found, limit_bytes=STICKER_LIMIT_BYTES)


async def _answer(
    request: web.Request,
    link: MediaLink,
    mime_type: str,
    size: int | None,
    chunks: AsyncIterator[bytes],
    *,
    part: Part | None = None,
) -> web.StreamResponse:
    """Send the headers, then the bytes; a break in the middle breaks the connection too."""
    response = web.StreamResponse(status=206 if part else 200, headers=_headers(link, mime_type))
    if part is not None:
        response.headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    response.content_length = part.length if part else size
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        left = part.length if part else size
        async for chunk in chunks:
            async with asyncio.timeout(STALLED_S):
                await response.write(chunk if left is None else chunk[:left])
            left = None if left is None else left - len(chunk)
            if left is not None and left <= 0:
                break
        if left:
            raise EOFError
        await response.write_eof()
    except (aiohttp.ClientError, OSError, EOFError) as error:
        log.warning("media broke off: %s", type(error).__name__, extra={"bot": link.bot_id})
        if request.transport is not None:
            request.transport.abort()
    return response


def _headers(link: MediaLink, mime_type: str) -> dict[str, str]:
    """Return what tells a browser what this is, and keeps it from taking it for more."""
    is_shown = mime_type.startswith(SHOWN_TYPES) and "svg" not in mime_type
    kind = "inline" if is_shown else "attachment"
    return {
        "Content-Type": mime_type,
        "Content-Disposition": _disposition(kind, link.name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Referrer-Policy": "no-referrer",
        "Accept-Ranges": "bytes",
        "ETag": _etag(link),
        "Cache-Control": "private, max-age=3600",
    }


def _disposition(kind: str, name: str) -> str:
    """Return how to treat the file, and its name: for old programs too. Reference: RFC 6266."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _etag(link: MediaLink) -> str:
    """Return a tag of the file: what is behind a file id never changes."""
    return f'"{hashlib.sha256(link.file_id.encode()).hexdigest()[:24]}"'


def _part(request: web.Request, link: MediaLink, size: int) -> Part | None:
    """Return the part that a request asks for; of another version, all of it."""
    condition = request.headers.get("If-Range")
    if condition is not None and condition != _etag(link):
        return None
    return part_of(request.headers.get("Range"), size)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]
