"""`disconnect`: disconnect the channel from the account."""

import asyncio

import typer

from bot.account.apis import naming_account
from bot.account.channel import open_channel
from bot.cli.options import YesOption, load_settings
from bot.cli.terminal import confirm, say
from bot.cli.usage import PlainTyper
from bot.settings import Settings
from kommo.ids import AmojoId

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
    settings = await naming_account(settings)
    async with open_channel(settings) as chats:
        await chats.disconnect(AmojoId(settings.kommo.account_id or ""))
