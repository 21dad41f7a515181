"""`connect`: the channel and the account."""

import asyncio

import typer

from bot.account.apis import naming_account
from bot.account.channel import open_channel
from bot.cli.options import load_settings
from bot.cli.terminal import say
from bot.cli.usage import PlainTyper
from bot.settings import Settings
from kommo.ids import AmojoId

app = PlainTyper()


@app.command()
def connect(context: typer.Context) -> None:
    """Connect the channel to the account; harmless if it is connected already.

    `run` does the same at every start, unless connect_on_start = false.
    """
    say(asyncio.run(_connect(load_settings(context))))


async def _connect(settings: Settings) -> str:
    settings = await naming_account(settings)
    async with open_channel(settings) as chats:
        connection = await chats.connect(
            AmojoId(settings.kommo.account_id or ""),
            settings.kommo.title,
            is_time_window_disabled=settings.kommo.time_window is False,
        )
    return f"Connected as {connection.title!r}, scope {connection.scope_id}."
