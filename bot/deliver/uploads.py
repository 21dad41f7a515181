"""Files on their way from Kommo to Telegram: on disk, without a name, gone when they are sent."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from aiogram import Bot
from aiogram.types import InputFile

from bot.deliver.fetch import Fetcher
from bot.translate.uploads import Call, file_of, with_file

UPLOADS = 16
"""So many files are under way at a time: 800 MB of disk at most."""


@dataclass(frozen=True)
class ReadyCall:
    """A call that can be made, and how many bytes of a file go with it."""

    call: Call
    size_bytes: int = 0


class SpooledFile(InputFile):
    """An open file that can be sent any number of times."""

    def __init__(self, file: BinaryIO, filename: str | None) -> None:
        super().__init__(filename=filename)
        self._file = file

    async def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:
        """Return the bytes from the first to the last, some at a time."""
        descriptor, position = self._file.fileno(), 0
        while chunk := await asyncio.to_thread(os.pread, descriptor, self.chunk_size, position):
            yield chunk
            position += len(chunk)


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
                size = await self._fetcher.fetch(file.url, spool)
                upload = SpooledFile(spool, file.filename)
                yield ReadyCall(with_file(call, field, upload, size=size), size)
