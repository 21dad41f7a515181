"""Files on their way from Kommo to Telegram: on disk, without a name, gone when they are sent."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from aiogram import Bot
from aiogram.types import InputFile

from bot.deliver.telegram.fetch import Fetcher, Promised
from bot.translate.outgoing.files import Call, file_of, with_file

UPLOADS = 16
"""So many files are in flight at a time: 800 MB of disk at most."""


BeforeEnd = Callable[[], Awaitable[None]]
"""What is waited for before the last bytes of a file leave."""


async def _at_once() -> None:
    """Wait for nothing."""


class SpooledFile(InputFile):
    """An open file that can be sent any number of times."""

    before_end: BeforeEnd = staticmethod(_at_once)

    def __init__(self, file: BinaryIO, filename: str | None) -> None:
        super().__init__(filename=filename)
        self._file = file

    def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:
        """Return the bytes from the first to the last, some at a time."""
        return self._chunks(self.before_end)

    async def _chunks(self, before_end: BeforeEnd) -> AsyncGenerator[bytes, None]:
        chunk, position = await self._read(0), 0
        while following := await self._read(position + len(chunk)):
            yield chunk
            position += len(chunk)
            chunk = following
        await before_end()
        yield chunk

    async def _read(self, position: int) -> bytes:
        return await asyncio.to_thread(os.pread, self._file.fileno(), self.chunk_size, position)


@dataclass(frozen=True)
class ReadyCall:
    """A call that can be made, and how many bytes of a file go with it."""

    call: Call
    size_bytes: int = 0

    @property
    def file(self) -> SpooledFile | None:
        """Its file, if it has one."""
        found = (value for _name, value in self.call if isinstance(value, SpooledFile))
        return next(found, None)


class Uploads:
    """Puts the bytes of a manager's file into the call that shows it.

    Args:
        fetcher: fetches the files.
        folder: where they lie meanwhile; the system removes them whatever happens to us.
    """

    def __init__(self, fetcher: Fetcher, folder: Path) -> None:
        self._fetcher = fetcher
        self._folder = folder
        self._slots = asyncio.Semaphore(UPLOADS)

    @asynccontextmanager
    async def ready(self, call: Call) -> AsyncIterator[ReadyCall]:
        """Return a call that can be made; its file is there until the block is left.

        Raises:
            FetchError: the file cannot be had.
        """
        found = file_of(call)
        if found is None:
            yield ReadyCall(call)
            return
        field, file = found
        async with self._slots:
            with TemporaryFile(dir=self._folder) as spool:
                promised = Promised(file.filename or "", is_document=field == "document")
                size = await self._fetcher.fetch(file.url, spool, promised)
                upload = SpooledFile(spool, file.filename)
                yield ReadyCall(with_file(call, field, upload, size=size), size)
