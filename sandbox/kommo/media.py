"""Files: the host of what managers send, and Kommo's fetching of what clients sent."""

import hashlib
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote
from uuid import uuid4

import aiohttp
from aiohttp import web

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class FetchedMedia:
    """What came when Kommo fetched a link; `status` is None when nothing did."""

    url: str
    status: int | None
    head_status: int | None = None
    size: int = 0
    sha256: str = ""
    headers: Mapping[str, str] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on Kommo's host: bytes, or as many zeros as its size says."""

    name: str
    size: int
    content: bytes | None

    def chunks(self) -> Iterator[bytes]:
        """Return the file in parts, without holding what is generated."""
        if self.content is not None:
            yield self.content
            return
        for start in range(0, self.size, CHUNK_BYTES):
            yield bytes(min(CHUNK_BYTES, self.size - start))


class MediaHost:
    """Serves attachments to anybody who knows the link."""

    def __init__(self, account_id: str) -> None:
        self.base_url = ""
        self._account_id = account_id
        self._attachments: dict[str, Attachment] = {}

    def add(self, content: bytes | int, name: str) -> str:
        """Keep a file, or a generated one of this size; returns its link."""
        path = f"/attachments/{self._account_id}/{uuid4()}/{name}"
        if isinstance(content, int):
            self._attachments[path] = Attachment(name, content, None)
        else:
            self._attachments[path] = Attachment(name, len(content), content)
        return self.base_url + quote(path)

    def remove(self, url: str) -> None:
        """Forget the file behind a link."""
        del self._attachments[_path_of(url)]

    def content(self, url: str) -> bytes | None:
        """Return the file behind a link; nothing when it is none of ours."""
        found = self._attachments.get(_path_of(url))
        return None if found is None else b"".join(found.chunks())

    def name_and_size(self, url: str) -> tuple[str, int]:
        """Return what is known of a link: nothing, unless it is one of ours."""
        known = self._attachments.get(_path_of(url))
        return (known.name, known.size) if known else ("", 0)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET or HEAD of an attachment."""
        found = self._attachments.get(request.path)
        if found is None:
            return web.Response(status=404)
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        response = web.StreamResponse(headers={"Content-Type": kind})
        response.content_length = found.size
        await response.prepare(request)
        if request.method != "HEAD":
            for chunk in found.chunks():
                await response.write(chunk)
        await response.write_eof()
        return response


def _path_of(url: str) -> str:
    return unquote("/" + url.partition("://")[2].partition("/")[2])


async def fetch(session: aiohttp.ClientSession, url: str, *, head_first: bool) -> FetchedMedia:
    """Take a file as Kommo does: anonymously, without following elsewhere.

    Reference: Kommo, Send or import messages.
    """
    head_status = None
    digest, size = hashlib.sha256(), 0
    try:
        if head_first:
            async with session.head(url, allow_redirects=False) as head:
                head_status = head.status
        async with session.get(url, allow_redirects=False) as answer:
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except (aiohttp.ClientError, OSError) as error:
        return FetchedMedia(url, None, head_status, error=repr(error))
    return FetchedMedia(
        url, answer.status, head_status, size, digest.hexdigest(), dict(answer.headers)
    )
