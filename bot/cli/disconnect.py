"""`disconnect`: disconnect the channel from the account."""

import asyncio

import typer

from bot.account.channel import open_channel
from bot.cli.options import YesOption, load_settings
from bot.cli.terminal import confirm, say
from bot.cli.usage import PlainTyper
from bot.settings import Settings

app = PlainTyper()


@app.command()
def disconnect(context: typer.Context, yes: YesOption = False) -> None:
    """Disconnect the channel from the account."""
    settings = load_settings(context)
    if not yes:
        confirm("Managers will not reach any client. Disconnect?")
    asyncio.run(_disconnect(settings))
    say("Disconnected. The next start connects again, unless connect_on_start = false.")


async def _disconnect(settings: Settings) -> None:
    async with open_channel(settings) as channel:
        await channel.disconnect()
