"""`connect`: the channel and the account."""

import asyncio

import typer

from bot.account.channel import open_channel
from bot.cli.options import load_settings
from bot.cli.terminal import say
from bot.cli.usage import PlainTyper
from bot.settings import Settings

app = PlainTyper()


@app.command()
def connect(context: typer.Context) -> None:
    """Connect the channel to the account; harmless if it is connected already.

    `run` does the same at every start, unless connect_on_start = false.
    """
    say(asyncio.run(_connect(load_settings(context))))


async def _connect(settings: Settings) -> str:
    async with open_channel(settings) as channel:
        connection = await channel.connect()
    return f"Connected as {connection.title!r}, scope {connection.scope_id}."
