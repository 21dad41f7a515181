"""One run of `import`: opens what it needs, imports, and says how far it is."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import typer

from bot.account.apis import open_chats
from bot.account.channel import Channel
from bot.account.resolved import find_for_command
from bot.cli.import_progress import shown
from bot.cli.terminal import say
from bot.errors import BridgeError
from bot.http.clients import local_client
from bot.imports.lane import Done, Options
from bot.imports.pace import ImportPace
from bot.imports.plan import Plan
from bot.imports.sending import Import
from bot.media.links import MediaLinks, exported
from bot.operate.bot_picture import bot_picture
from bot.settings import BotSettings, Settings
from bot.translate.company import Company, channel_bot
from bot.translate.exports.told import ExportedFile
from bot.translate.files import TelegramFile
from bot.words import counted
from kommo.errors import RequestError
from kommo.ids import KommoUserId
from storage.database import Database
from storage.engines import backend_of
from storage.errors import DatabaseBusyError
from storage.location import Location
from storage.spool import Spool

LOOK_S = 5.0
NOT_FOUND = 404
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what a listener may be set to


class ImportRefusedError(BridgeError):
    """An import that should not begin like this; the text says what to do."""


@dataclass(frozen=True)
class Work:
    """What an import needs besides its plan.

    Args:
        folder: where the export's files are.
    """

    settings: Settings
    entry: BotSettings
    folder: Path
    links: MediaLinks
    pace: ImportPace
    is_silent: bool

    @property
    def export_id(self) -> str:
        """Return what names the export in media links, without telling where it lies."""
        return hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]

    def file_urls(self, bot_id: int, client_id: int) -> Callable[[ExportedFile], str]:
        """Return what makes the links of the files of one client."""
        return partial(self._url, bot_id, client_id)

    def _url(self, bot_id: int, client_id: int, file: ExportedFile) -> str:
        named = TelegramFile(
            file_id=exported(self.export_id, file.path),
            unique_id="",
            name=file.name,
            mime_type=file.mime_type,
            size=file.size,
            is_sticker=file.is_sticker,
            chat_id=client_id,
        )
        return self.links.url(bot_id, named)


def carry_out(work: Work, spool: Spool, plan: Plan) -> Done:
    """Import what is planned; say how far it came, whatever ends it."""
    newest = Done()
    with shown(plan) as show:

        def note(done: Done) -> None:
            nonlocal newest
            newest = done
            show(done)

        try:
            return asyncio.run(_import(work, spool, plan, note))
        except BaseException as error:
            taken = counted(newest.sent, "message")
            say(f"Stopped after {taken}. The same command goes on where it stopped.", err=True)
            if isinstance(error, KeyboardInterrupt):
                raise typer.Exit(1) from None
            raise


async def _import(
    work: Work, spool: Spool, plan: Plan, on_progress: Callable[[Done], None]
) -> Done:
    settings = work.settings
    account = await find_for_command(settings)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.open(settings.location))
        _lock(stack, settings.location)
        async with database.transaction() as tx:
            await tx.imports.save_folder(work.export_id, str(work.folder))
        await _want_served(work, plan)
        options = Options(
            company=await _company(work),
            sources={bot.bot_id: bot.source for bot in settings.telegram.bots},
            file_urls=work.file_urls,
            is_silent=work.is_silent,
            pace=work.pace,
        )
        chats = await stack.enter_async_context(open_chats(settings, account.scope_id))
        await _connect(Channel(settings.kommo, account, chats))
        running = Import(database, chats, spool, plan, options, on_progress=on_progress)
        return await running.run()


async def _connect(channel: Channel) -> None:
    """Connect the channel, as a start of the service does; harmless when it is connected."""
    if channel.kommo.connect_on_start:
        with suppress(RequestError):  # the first message says what is wrong
            await channel.connect()


def _lock(stack: AsyncExitStack, location: Location) -> None:
    """Keep a second import away: it would tell Kommo the same.

    Raises:
        ImportRefusedError: there is one.
    """
    try:
        stack.enter_context(backend_of(location).lock(location, "-import"))
    except DatabaseBusyError:
        raise ImportRefusedError("another import is running; wait for its end") from None


async def _company(work: Work) -> Company:
    """Return who speaks for the company; the channel's bot with the Telegram bot's picture."""
    kommo, entry = work.settings.kommo, work.entry
    file_id = await bot_picture(work.settings, entry) if kommo.channel_bot_id else None
    picture = TelegramFile(file_id or "", "", name="avatar.jpg", mime_type="image/jpeg")
    return Company(
        bot=channel_bot(
            entry.bot_id,
            entry.name or kommo.title,
            kommo.channel_bot_id,
            work.links.url(entry.bot_id, picture) if file_id else None,
        ),
        users={one: KommoUserId(user) for one, user in work.settings.imports.managers.items()},
    )


async def _want_served(work: Work, plan: Plan) -> None:
    """Ask the running service for a file: it may not be allowed to read what this command reads.

    Raises:
        ImportRefusedError: it cannot.
    """
    if plan.example is None:
        return
    listen, (bot_id, client_id, file) = work.settings.listen, plan.example
    path = work.file_urls(bot_id, client_id)(file).removeprefix(work.settings.public_url)
    host = EVERYWHERE.get(listen.host, listen.host)
    try:
        async with local_client(LOOK_S) as http:
            answer = await http.head(f"http://{host}:{listen.port}{path}")
    except (httpx.HTTPError, httpx.InvalidURL):
        say("note: the service is not running: Kommo can fetch no file until it is", err=True)
        return
    if answer.status_code == NOT_FOUND:
        raise ImportRefusedError(
            f"the service cannot read the files in {work.folder}: put the export where its user "
            "may read it, such as beside the database, and give that path"
        )
