"""Downloads of the files that can still be had, from Telegram and from Kommo."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import aiohttp
from aiogram import Bot

from bot.deliver.telegram.fetch import Fetcher, FetchError, guarded_session, host_and_port
from bot.http.connector import Connector
from bot.http.telegram_session import TelegramSession
from bot.media.file_errors import NOT_FOUND, FileError, FileRefusedForNowError
from bot.media.telegram_files import TelegramFiles
from bot.operate.export.files import WebFile
from bot.operate.export.folder import MissingFileError
from bot.settings import Settings
from bot.translate.files import BotFile
from bot.translate.outgoing.refusals import FILE_UNREACHABLE

DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
MAX_IN_A_ROW = 3
"""So many files in a row whose server does not answer: the rest is not asked for."""


class Downloads:
    """Writes files into files, one after the other."""

    def __init__(self, telegram: TelegramFiles, fetcher: Fetcher) -> None:
        self._telegram = telegram
        self._fetcher = fetcher
        self._failed: dict[type, int] = {}

    async def save(self, file: BotFile | WebFile, path: Path) -> int:
        """Write a file; return how many bytes it has.

        Raises:
            MissingFileError: it cannot be had; nothing is left of it.
            OSError: it cannot be written.
        """
        kind = type(file)
        if self._failed.get(kind, 0) >= MAX_IN_A_ROW:
            raise MissingFileError("not tried: its server does not answer", is_passing=True)
        try:
            with path.open("xb") as target:
                size = await self._write(file, target)
        except BaseException as error:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            is_passing = isinstance(error, MissingFileError) and error.is_passing
            self._failed[kind] = self._failed.get(kind, 0) + 1 if is_passing else 0
            raise
        self._failed[kind] = 0
        return size

    async def _write(self, file: BotFile | WebFile, target: BinaryIO) -> int:
        if isinstance(file, BotFile):
            return await self._from_telegram(file, target)
        return await self._from_kommo(file, target)

    async def _from_telegram(self, file: BotFile, target: BinaryIO) -> int:
        size = 0
        try:
            found = await self._telegram.find(file.bot_id, file.file.file_id, size=file.file.size)
            async with self._telegram.open(found) as opened:
                async for chunk in opened.chunks:
                    size += await asyncio.to_thread(target.write, chunk)
                if opened.size is not None and size < opened.size:
                    raise MissingFileError("its download broke off", is_passing=True)
        except FileError as error:
            # refused again and again: Telegram says of a file that is gone that it may be back
            is_gone = error.status == NOT_FOUND or isinstance(error, FileRefusedForNowError)
            raise MissingFileError(str(error), is_passing=not is_gone) from None
        await asyncio.to_thread(target.flush)
        return size

    async def _from_kommo(self, file: WebFile, target: BinaryIO) -> int:
        try:
            return await self._fetcher.fetch(file.address, target)
        except FetchError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in DISK:
                raise error.__cause__ from None
            is_passing = error.verdict == FILE_UNREACHABLE
            raise MissingFileError(str(error), is_passing=is_passing) from None


@asynccontextmanager
async def open_downloads(settings: Settings) -> AsyncIterator[Downloads]:
    """Open the ways to Telegram's files and to Kommo's, for one command."""
    kommos = host_and_port(settings.kommo.chats_url)
    async with AsyncExitStack() as stack:
        bots: dict[int, Bot] = {}
        for entry in settings.telegram.bots:
            session = TelegramSession(settings.telegram.api_url, settings.routes)
            stack.push_async_callback(session.close)
            bots[entry.bot_id] = Bot(entry.token.get_secret_value(), session=session)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=Connector(settings.routes), cookie_jar=aiohttp.DummyCookieJar()
            )
        )
        fetching = await stack.enter_async_context(guarded_session(kommos, settings.routes))
        yield Downloads(TelegramFiles(bots, http), Fetcher(fetching, kommos))
