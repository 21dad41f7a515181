"""Files of an export on this machine's disk, behind their media links."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.media.file_errors import NOT_FOUND, FileError
from bot.media.inside import opened
from bot.media.links import MediaLink
from bot.media.telegram_files import CHUNK_BYTES, OpenFile
from storage.database import Database

BLOCK_BYTES = 4 * CHUNK_BYTES


class ExportFiles:
    """Finds and opens the files behind links to exports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def open(self, link: MediaLink, start: int = 0) -> AsyncIterator[OpenFile]:
        """Open a link's file from its byte `start` on.

        Raises:
            FileError: it cannot be had.
        """
        export_id, path = link.export_path
        async with self._database.snapshot() as snapshot:
            folder = await snapshot.imports.folder(export_id)
        if folder is None:
            raise FileError(NOT_FOUND, "the export is not known")
        file = opened(Path(folder), path)
        try:
            descriptor = await asyncio.to_thread(file.__enter__)
        except (OSError, ValueError) as error:
            raise FileError(
                NOT_FOUND, f"a file of an export cannot be read: {type(error).__name__}"
            ) from None
        try:
            size = os.fstat(descriptor).st_size
            yield OpenFile(size, _blocks(descriptor, start))
        finally:
            await asyncio.to_thread(file.__exit__, None, None, None)

    async def read(self, link: MediaLink, *, limit_bytes: int) -> bytes:
        """Return a small file.

        Raises:
            FileError: it cannot be had, or is larger than that.
        """
        async with self.open(link) as file:
            if (file.size or 0) > limit_bytes:
                raise FileError(NOT_FOUND, "the file is larger than it may be")
            return b"".join([chunk async for chunk in file.chunks])


async def _blocks(descriptor: int, start: int) -> AsyncIterator[bytes]:
    """Read a file without holding up what else goes on."""
    while block := await asyncio.to_thread(os.pread, descriptor, BLOCK_BYTES, start):
        start += len(block)
        yield block
