"""The channel for a command: failures come with their remedy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.account.apis import open_chats
from bot.account.connect import OUTAGE, REMEDY
from bot.account.resolved import ResolvedAccount, find_for_command
from bot.errors import BridgeError
from bot.settings import KommoSettings, Settings
from kommo.answers import ConnectedChannel
from kommo.chats import ChatsApi
from kommo.errors import KommoError, RejectedError


class ChannelError(BridgeError):
    """Kommo did not do what a command asked the channel for; the text says what to do."""


@dataclass(frozen=True)
class Channel:
    """The channel in the settings' account."""

    kommo: KommoSettings
    account: ResolvedAccount
    chats: ChatsApi

    async def connect(self) -> ConnectedChannel:
        """Connect it to the account, as a start of the service does."""
        return await self.chats.connect(
            self.account.id,
            self.kommo.title,
            is_time_window_disabled=self.kommo.time_window is False,
        )

    async def disconnect(self) -> None:
        """Disconnect it from the account."""
        await self.chats.disconnect(self.account.id)


@asynccontextmanager
async def open_channel(settings: Settings) -> AsyncIterator[Channel]:
    """Return the channel.

    Raises:
        NoRestAccessError: the account is not set and cannot be asked for.
        ChannelError: a call inside failed.
    """
    account = await find_for_command(settings)
    try:
        async with open_chats(settings, account.scope_id) as chats:
            yield Channel(settings.kommo, account, chats)
    except KommoError as error:
        remedy = REMEDY if isinstance(error, RejectedError) else OUTAGE
        raise ChannelError(f"{error}; {remedy}") from error
