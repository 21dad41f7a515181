"""`unblock`: let a blocked client write again."""

import asyncio
from typing import Annotated

import typer

from bot.account.existing import open_existing
from bot.cli.options import load_settings
from bot.cli.terminal import say
from bot.cli.usage import PlainTyper
from bot.operate.blocks import unblock as let_write
from bot.settings import Settings

app = PlainTyper()


@app.command()
def unblock(
    context: typer.Context,
    chat: Annotated[
        str,
        typer.Option(
            "--chat", metavar="ID", help="The Telegram chat's number, or the conversation's id."
        ),
    ],
) -> None:
    """Let a blocked client write again; what they wrote meanwhile stays out of Kommo."""
    chat_id = asyncio.run(_unblock(load_settings(context), chat))
    say(f"client {chat_id} is no longer blocked")


async def _unblock(settings: Settings, chat: str) -> int:
    async with open_existing(settings) as database:
        return await let_write(database, chat)
