"""`forget`: erase what is kept of one client."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.account.existing import open_existing
from bot.cli.conversations import called, named
from bot.cli.options import YesOption, load_settings
from bot.cli.terminal import confirm, say
from bot.cli.usage import PlainTyper
from bot.operate.forget import erase, media_links
from bot.settings import Settings
from storage.kept import Whose

app = PlainTyper()


@app.command()
def forget(
    context: typer.Context,
    chat: Annotated[
        str,
        typer.Option(
            "--chat", metavar="ID", help="The Telegram chat's number, or the conversation's id."
        ),
    ],
    yes: YesOption = False,
) -> None:
    """Erase everything the bridge stores about one client.

    It works while the service runs, and links to the client's files stop working at once. Kommo
    keeps its own copy, and so do backups made before.
    """
    settings = load_settings(context)
    found = asyncio.run(_named(settings, chat))
    if not yes:
        confirm(f"Erase everything stored about {', '.join(map(called, found))}?")
    asyncio.run(_erase(settings, found))
    for one in found:
        say(f"{called(one)}: erased here; Kommo keeps its own copy")


async def _named(settings: Settings, chat: str) -> list[Whose]:
    async with open_existing(settings) as database, database.snapshot() as snapshot:
        return await named(snapshot, chat)


async def _erase(settings: Settings, found: list[Whose]) -> None:
    async with open_existing(settings) as database:
        await erase(database, found, media_links(settings, now=lambda: datetime.now(UTC)))
