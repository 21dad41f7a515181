"""The Telegram side: the bots with their sessions, their files, and the journal of their sends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiogram import Bot

from bot.app.context import Context
from bot.background import Background
from bot.deliver.telegram.fetch import Fetcher, guarded_session, host_and_port
from bot.deliver.telegram.interrupted import boot_id, recover
from bot.deliver.telegram.journal import Journal
from bot.deliver.telegram.settlement import Settlement
from bot.deliver.telegram.typing import Typist
from bot.deliver.telegram.uploads import Uploads
from bot.http.connector import Connector
from bot.http.routes import Routes
from bot.http.telegram_session import TelegramSession
from bot.media.telegram_files import CHUNK_BYTES, TelegramFiles, download_socket
from bot.receive.doubts import Doubts
from bot.receive.reading import Reader
from storage.location import JOURNAL

DOWNLOADS = 100
"""Each takes about half a megabyte; more wait for their turn."""

PROBES = 32
"""How many big files to ask a bot's server about at a time, beside the messages."""

READINGS = 4
"""So many messages are marked as read at a time."""

PICTURES = 8
"""So many clients' profile pictures are asked for at a time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TelegramSide:
    """The bots, and what goes with them.

    Args:
        probes: where bots' servers are asked for the sizes of files.
        pictures: where they are asked for clients' pictures.
    """

    bots: Mapping[int, Bot]
    files: TelegramFiles
    uploads: Uploads
    typist: Typist
    reader: Reader
    doubts: Doubts
    journal: Journal
    probes: Background
    pictures: Background


@asynccontextmanager
async def open_journal(context: Context) -> AsyncIterator[Journal]:
    """Open the journal of sends, and put right what the last stop interrupted."""
    async with Journal.open(context.database.location.beside(JOURNAL)) as journal:
        interrupted = await recover(
            context.database,
            journal,
            boot_id=boot_id(),
            now=context.now(),
            settle=Settlement(context.lifetimes, context.settings.kommo.language).store,
        )
        if interrupted:
            log.warning(
                "deliveries were interrupted by the last stop", extra={"items": interrupted}
            )
        yield journal


@asynccontextmanager
async def open_telegram(context: Context, journal: Journal) -> AsyncIterator[TelegramSide]:
    """Open the bots' sessions and the pools for files."""
    settings = context.settings
    kommos = host_and_port(settings.kommo.chats_url)
    async with AsyncExitStack() as stack:
        bots = await stack.enter_async_context(_open_bots(context))
        downloads = await stack.enter_async_context(_open_downloads(settings.routes))
        fetching = await stack.enter_async_context(guarded_session(kommos, settings.routes))
        yield TelegramSide(
            bots=bots,
            files=TelegramFiles(bots, downloads),
            # managers' files lie in the state folder meanwhile, which is on a disk
            uploads=Uploads(Fetcher(fetching, kommos), context.database.location.state_dir),
            typist=await stack.enter_async_context(
                Typist(bots, context.database, now=context.now)
            ),
            reader=Reader(
                bots,
                context.database,
                await stack.enter_async_context(Background(READINGS)),
                settings.telegram.mark_read,
            ),
            doubts=Doubts(
                bots, context.database, await stack.enter_async_context(Background(READINGS))
            ),
            journal=journal,
            probes=await stack.enter_async_context(Background(PROBES)),
            pictures=await stack.enter_async_context(Background(PICTURES)),
        )


@asynccontextmanager
async def _open_bots(context: Context) -> AsyncIterator[Mapping[int, Bot]]:
    """Open the bots, each with a session of its own, so that none waits for another's."""
    telegram, routes = context.settings.telegram, context.settings.routes
    bots = {
        entry.bot_id: Bot(
            entry.token.get_secret_value(), session=TelegramSession(telegram.api_url, routes)
        )
        for entry in telegram.bots
    }
    try:
        yield bots
    finally:
        await _close(list(bots.values()))


async def _close(bots: Sequence[Bot]) -> None:
    """Close the bots' sessions side by side: there may be 100, each with connections."""
    await asyncio.gather(*(bot.session.close() for bot in bots))


def _open_downloads(routes: Routes) -> aiohttp.ClientSession:
    """Return the pool for files; a download beyond its size waits for its turn."""
    return aiohttp.ClientSession(
        connector=Connector(routes, limit=DOWNLOADS, socket_factory=download_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=CHUNK_BYTES // 2,
    )
