"""Files of Telegram, fetched: from its server, or from the disk of a local Bot API server.

The token is part of a file's address, so no address and no text of an error leaves this module.
Reference: Bot API, getFile; Using a local Bot API server.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import aiohttp
from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramNetworkError,
)
from aiogram.methods import GetFile
from yarl import URL

from bot.media.file_errors import (
    BAD_GATEWAY,
    NOT_FOUND,
    OK,
    PARTIAL,
    TIMED_OUT,
    FileError,
    FileRefusedForNowError,
    FileTooBigError,
    refusal_of,
)

CLOUD_LIMIT_BYTES = 20 << 20
"""The most that the cloud's getFile gives; a server of one's own gives all."""

CHUNK_BYTES = 64 * 1024
RECEIVE_BYTES = 64 * 1024
ANSWER_S, BIG_ANSWER_S = 30, 900
"""How long getFile may take. A local server answers when it has the whole of a big file."""

PROBE_S = 15
DOWNLOAD = aiohttp.ClientTimeout(total=3600, sock_connect=10, sock_read=30)
"""An hour is enough for the largest file, and ends a server that drips."""

AGAIN_AFTER_S = (0.3, 1.0, 2.0)
"""When getFile is asked again after a refusal that may pass."""


PAGES = frozenset({"text/html", "application/json"})
"""What a proxy or the server itself says instead of a file."""

PAGE_FILES = frozenset({".htm", ".html", ".json", ".map", ".xhtml"})


def download_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket for a download: with a small buffer, as there may be hundreds."""
    family, kind, protocol, _name, _address = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    return made


@dataclass(frozen=True)
class FoundFile:
    """Where a file is, for the next hour at least."""

    bot_id: int
    path: str
    size: int | None

    @property
    def is_local(self) -> bool:
        """Tell whether the file lies on this machine's disk."""
        return Path(self.path).is_absolute()


@dataclass(frozen=True)
class OpenFile:
    """A file from some byte on."""

    size: int | None
    chunks: AsyncIterator[bytes]


class TelegramFiles:
    """Finds and opens files of the bots.

    Args:
        bots: by their ids.
        http: the pool for downloads.
        again_after_s: when a refusal that may pass is asked about again.
    """

    def __init__(
        self,
        bots: Mapping[int, Bot],
        http: aiohttp.ClientSession,
        *,
        again_after_s: Sequence[float] = AGAIN_AFTER_S,
    ) -> None:
        self._bots = bots
        self._http = http
        self._again_after_s = tuple(again_after_s)

    async def find(self, bot_id: int, file_id: str, *, size: int | None = None) -> FoundFile:
        """Ask for a file's place, anew for every download; what may pass is asked again.

        Raises:
            FileError: it is gone, too big, or Telegram does not answer.
        """
        wait_s = BIG_ANSWER_S if (size or 0) > CLOUD_LIMIT_BYTES else ANSWER_S
        for pause_s in self._again_after_s:
            try:
                return await self._ask(bot_id, file_id, wait_s)
            except FileRefusedForNowError:
                await asyncio.sleep(pause_s)
        return await self._ask(bot_id, file_id, wait_s)

    async def _ask(self, bot_id: int, file_id: str, wait_s: int) -> FoundFile:
        """Ask once."""
        bot = self._bots.get(bot_id)
        if bot is None:
            raise FileError(NOT_FOUND, "the bot is no longer set up")
        try:
            found = await bot(GetFile(file_id=file_id), request_timeout=wait_s)
        except TelegramNetworkError as error:
            is_late = isinstance(error.__cause__, TimeoutError) or "timeout" in str(error).lower()
            status = TIMED_OUT if is_late else BAD_GATEWAY
            raise FileError(status, "Telegram does not answer") from None
        except (TelegramAPIError, AiogramError) as error:
            raise refusal_of(error) from None
        if not found.file_path:
            raise FileError(NOT_FOUND, "Telegram no longer has the file")
        return FoundFile(bot_id, found.file_path, found.file_size)

    async def is_given(self, bot_id: int, file_id: str) -> bool | None:
        """Tell whether Telegram's server gives a file, or finds it too big; None: neither.

        Raises:
            FileRefusedError: it gives this bot nothing.
            FileError: it could not be asked.
        """
        try:
            await self._ask(bot_id, file_id, PROBE_S)
        except FileTooBigError:
            return False
        except FileError as error:
            if error.status == BAD_GATEWAY:
                raise
            return None  # gone: the link will say so; no answer yet: it is still fetching it
        return True

    @asynccontextmanager
    async def open(self, file: FoundFile, start: int = 0) -> AsyncIterator[OpenFile]:
        """Open a file from its byte `start` on.

        Raises:
            FileError: it cannot be had.
        """
        opened = self._from_disk if file.is_local else self._from_server
        async with opened(file, start) as found:
            yield found

    async def read(self, file: FoundFile, *, limit_bytes: int) -> bytes:
        """Return a small file.

        Raises:
            FileError: it cannot be had, or is larger than that.
        """
        content = bytearray()
        async with self.open(file) as opened:
            async for chunk in opened.chunks:
                content += chunk
                if len(content) > limit_bytes:
                    raise FileError(BAD_GATEWAY, "the file is larger than it may be")
        return bytes(content)

    @asynccontextmanager
    async def _from_server(self, file: FoundFile, start: int) -> AsyncIterator[OpenFile]:
        url = file_address(self._bots[file.bot_id], file.path)
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            async with self._http.get(
                url, headers=headers, timeout=DOWNLOAD, allow_redirects=False
            ) as answer:
                _check(answer, file, start)
                skipped = start if answer.status == OK else 0
                size = _length(answer) if answer.status == OK else file.size
                yield OpenFile(size, _skip(answer.content.iter_chunked(CHUNK_BYTES), skipped))
        except TimeoutError:
            raise FileError(TIMED_OUT, "Telegram's files do not answer") from None
        except aiohttp.ClientError as error:
            raise FileError(BAD_GATEWAY, f"Telegram's files: {type(error).__name__}") from None

    @asynccontextmanager
    async def _from_disk(self, file: FoundFile, start: int) -> AsyncIterator[OpenFile]:
        try:
            handle = await asyncio.to_thread(Path(file.path).open, "rb")
        except (OSError, ValueError) as error:
            reason = f"the local Bot API server's file: {type(error).__name__}"
            raise FileError(BAD_GATEWAY, reason) from None
        try:
            size = await asyncio.to_thread(handle.seek, 0, 2)
            await asyncio.to_thread(handle.seek, start)
            yield OpenFile(size, _blocks(handle.read))
        finally:
            await asyncio.to_thread(handle.close)


def file_address(bot: Bot, path: str) -> URL:
    """Return a file's address; its path is a name on a disk, of whatever letters."""
    folder = URL(bot.session.api.file_url(bot.token, ""))
    return URL(str(folder) + quote(path, safe="/"), encoded=True)


def _check(answer: aiohttp.ClientResponse, file: FoundFile, start: int) -> None:
    """Refuse what is not the file.

    Raises:
        FileError: it is gone, or this is a page in its place, or another part of it.
    """
    if answer.status not in {OK, PARTIAL}:
        is_gone = answer.status == NOT_FOUND and answer.content_type == "application/json"
        status = NOT_FOUND if is_gone else BAD_GATEWAY
        raise FileError(status, f"Telegram's files answer {answer.status}")
    if answer.status == OK and _is_page(answer, file):
        raise FileError(BAD_GATEWAY, "a page came instead of the file")
    begins = answer.headers.get("Content-Range", f"bytes {start}-")
    if answer.status == PARTIAL and not begins.startswith(f"bytes {start}-"):
        raise FileError(BAD_GATEWAY, "another part of the file came")


def _is_page(answer: aiohttp.ClientResponse, file: FoundFile) -> bool:
    """Tell whether a page came in a file's place: of another size, or under another name."""
    if answer.content_type not in PAGES:
        return False
    length = _length(answer)
    if length is not None and file.size is not None:
        return length != file.size
    return PurePosixPath(file.path).suffix.lower() not in PAGE_FILES


def _length(answer: aiohttp.ClientResponse) -> int | None:
    """Return how long a file is; of one that was packed on the way, nobody knows."""
    is_packed = answer.headers.get("Content-Encoding", "identity").lower() != "identity"
    return None if is_packed else answer.content_length


async def _blocks(read: Callable[[int], bytes]) -> AsyncIterator[bytes]:
    """Read a file without holding up what else goes on."""
    while block := await asyncio.to_thread(read, 4 * CHUNK_BYTES):
        yield block


async def _skip(chunks: AsyncIterator[bytes], count: int) -> AsyncIterator[bytes]:
    """Leave out the first bytes."""
    async for chunk in chunks:
        rest = chunk[count:]
        count -= len(chunk) - len(rest)
        if rest:
            yield rest
