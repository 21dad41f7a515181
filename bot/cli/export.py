"""`export`: all that is kept of one client, as JSON and files."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.account.existing import open_existing
from bot.cli.conversations import named
from bot.cli.options import load_settings
from bot.cli.terminal import say
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from bot.operate.export.folder import DOCUMENT, Done, collect, write
from bot.settings import Settings

app = PlainTyper()


class FilesMissingError(BridgeError):
    """Some files could not be had now, and may be later."""


@app.command()
def export(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", readable=False, help="A new or an empty folder.")
    ],
    chat: Annotated[
        str,
        typer.Option(
            "--chat", metavar="ID", help="The Telegram chat's number, or the conversation's id."
        ),
    ],
) -> None:
    """Export everything the bridge stores about one client: what `forget` would erase.

    It writes client.json and, under files/, the files that Telegram and Kommo still have. It works
    while the service runs. Only you can read the folder. It exits 1 if files may be had later.
    """
    done = asyncio.run(_export(load_settings(context), chat, folder))
    say(f"{folder / DOCUMENT}: {done.rows} records, {done.files} files")
    if done.gone:
        say(f"{done.gone} files can no longer be had; {DOCUMENT} names them")
    if done.passing:
        raise FilesMissingError(
            f"{done.passing} files could not be downloaded now; {DOCUMENT} names them with the "
            "reason: export again later, into another folder"
        )


async def _export(settings: Settings, chat: str, folder: Path) -> Done:
    from bot.operate.export.download import open_downloads  # noqa: PLC0415 - imports aiogram

    async with open_existing(settings) as database:
        async with database.snapshot() as snapshot:
            found = await named(snapshot, chat)
            rows = await collect(snapshot, found)
        async with open_downloads(settings) as downloads:
            return await write(folder, found, rows, downloads, datetime.now(UTC))
