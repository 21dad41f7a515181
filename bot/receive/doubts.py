"""Ask Telegram how an account is connected, when it refused an answer for its connection.

Nothing waits for it. Reference: Bot API, getBusinessConnection.
"""

import logging
from collections.abc import Mapping
from functools import partial

from aiogram import Bot

from bot.background import Background
from bot.receive.business import Connections
from bot.translate.ids import ChatAddress
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)


class Doubts:
    """Business connections that a refusal puts in doubt.

    Args:
        background: where the calls are made.
    """

    def __init__(
        self, bots: Mapping[int, Bot], database: Database, background: Background
    ) -> None:
        self._connections = {bot_id: Connections(bot, database) for bot_id, bot in bots.items()}
        self._database = database
        self._background = background

    def refused(self, address: ChatAddress) -> None:
        """Read the connection of a chat's account again; returns at once."""
        key = f"{address.bot_id}:{address.business_user_id}"
        self._background.start(key, partial(self._read, address))

    async def _read(self, address: ChatAddress) -> None:
        connections = self._connections.get(address.bot_id)
        try:
            async with self._database.snapshot() as snapshot:
                known = await snapshot.business.current(address.bot_id, address.business_user_id)
            if connections is not None and known is not None:
                await connections.read_again(known.connection_id)
        except StorageError as error:
            log.info("a business connection was not read again: %s", error)
