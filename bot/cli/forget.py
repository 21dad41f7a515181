"""`forget`: erase what is kept of one client."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.account.existing import open_existing
from bot.cli.conversations import SEE, NotFoundError, every
from bot.cli.options import YesOption, load_settings
from bot.cli.terminal import confirm, say
from bot.cli.usage import PlainTyper
from bot.operate.forget import erase, media_links
from bot.settings import Settings
from storage.conversations import Conversation

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
        ids = ", ".join(conversation.conversation_id for conversation in found)
        confirm(f"Erase everything stored about {ids}?")
    asyncio.run(_erase(settings, found))
    for conversation in found:
        say(f"{conversation.conversation_id}: erased here; Kommo keeps its own copy")


async def _named(settings: Settings, chat: str) -> list[Conversation]:
    """Return the conversations of a Telegram chat's number or of either side's id."""
    async with open_existing(settings) as database, database.snapshot() as snapshot:
        one = await snapshot.conversations.get(chat)
        one = one or await snapshot.conversations.by_kommo_chat(chat)
        named = None if one else await snapshot.conversation_chats.by_alias(chat)
        one = await snapshot.conversations.get(named.conversation_id) if named else one
        found = (
            [one] if one else [each for each in await every(snapshot) if str(each.chat_id) == chat]
        )
    if not found:
        raise NotFoundError(f"there is no conversation {chat!r}; {SEE}")
    return found


async def _erase(settings: Settings, found: list[Conversation]) -> None:
    async with open_existing(settings) as database:
        await erase(database, found, media_links(settings, now=lambda: datetime.now(UTC)))
