"""`connect` and `disconnect`: the channel and the account."""

import asyncio

from bot.account.apis import naming_account
from bot.account.channel import open_channel
from bot.cli.terminal import confirm, say
from bot.settings import Settings
from kommo.ids import AmojoId


def connect(settings: Settings) -> None:
    """Connect the channel to the account; harmless if it is connected already."""
    say(asyncio.run(_connect(settings)))


def disconnect(settings: Settings, *, is_confirmed: bool) -> None:
    """Disconnect the channel from the account."""
    if not is_confirmed:
        confirm("Managers will not reach any client. Disconnect?")
    asyncio.run(_disconnect(settings))
    say("Disconnected. The next start connects again, unless connect_on_start = false.")


async def _connect(settings: Settings) -> str:
    settings = await naming_account(settings)
    async with open_channel(settings) as chats:
        connection = await chats.connect(
            AmojoId(settings.kommo.account_id or ""),
            settings.kommo.title,
            is_time_window_disabled=settings.kommo.time_window is False,
        )
    return f"Connected as {connection.title!r}, scope {connection.scope_id}."


async def _disconnect(settings: Settings) -> None:
    settings = await naming_account(settings)
    async with open_channel(settings) as chats:
        await chats.disconnect(AmojoId(settings.kommo.account_id or ""))
