"""The Chats API for a command: what fails is said with its remedy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.account.apis import open_chats
from bot.account.connect import OUTAGE, REMEDY
from bot.errors import BridgeError
from bot.settings import Settings
from kommo.chats import ChatsApi
from kommo.errors import KommoError, RejectedError


class ChannelError(BridgeError):
    """Kommo did not do what a command asked the channel for; the text says what to do."""


@asynccontextmanager
async def open_channel(settings: Settings) -> AsyncIterator[ChatsApi]:
    """Return the Chats API for settings whose account is known.

    Raises:
        ChannelError: a call inside failed.
    """
    try:
        async with open_chats(settings) as chats:
            yield chats
    except KommoError as error:
        remedy = REMEDY if isinstance(error, RejectedError) else OUTAGE
        raise ChannelError(f"{error}; {remedy}") from error
