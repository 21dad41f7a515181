"""Mark clients' messages as read in the name of a business account: soon or never.

Nothing waits for it, nothing of it is stored, a failure is no matter.
Reference: Bot API, readBusinessMessage (needs the right can_read_messages).
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.methods import ReadBusinessMessage

from bot.background import Background
from bot.translate.ids import ChatAddress
from bot.translate.incoming.business import Heard, heard
from storage.business import BusinessConnection
from storage.database import Database, Snapshot
from storage.errors import StorageError

TIMEOUT = aiohttp.ClientTimeout(total=10)

MarkRead = Literal["never", "on_answer", "on_arrival"]

log = logging.getLogger(__name__)


class Reader:
    """Marks messages as read in the chats of business accounts.

    Args:
        background: where the calls are made.
        when: at what time a client sees that a message was read.
    """

    def __init__(
        self,
        bots: Mapping[int, Bot],
        database: Database,
        background: Background,
        when: MarkRead,
    ) -> None:
        self._bots = bots
        self._database = database
        self._background = background
        self._when = when

    def arrived(self, bot_id: int, updates: Sequence[Mapping[str, Any]]) -> None:
        """Mark what clients wrote, once it is stored; returns at once."""
        if self._when != "on_arrival":
            return
        newest = {(one.connection_id, one.chat_id): one for one in map(heard, updates) if one}
        for one in newest.values():
            key = f"{bot_id}:{one.connection_id}:{one.chat_id}:{one.message_id}"
            self._background.start(key, partial(self._mark_arrived, bot_id, one))

    def answered(self, address: ChatAddress) -> None:
        """Mark what a client wrote before an answer that Telegram took; returns at once."""
        if self._when == "on_answer" and address.business_user_id:
            key = address.conversation_id
            self._background.start(key, partial(self._mark_answered, address))

    async def _mark_arrived(self, bot_id: int, one: Heard) -> None:
        async with self._database.snapshot() as snapshot:
            connection = await snapshot.business.get(one.connection_id)
            is_blocked = await snapshot.blocks.of(one.chat_id) is not None
        if connection is not None and connection.bot_id == bot_id and not is_blocked:
            await self._mark(connection, one.chat_id, one.message_id)

    async def _mark_answered(self, address: ChatAddress) -> None:
        try:
            async with self._database.snapshot() as snapshot:
                connection, message_id = await _newest(snapshot, address)
        except StorageError:
            return
        if connection is not None and message_id is not None:
            await self._mark(connection, address.chat_id, message_id)

    async def _mark(self, connection: BusinessConnection, chat_id: int, message_id: int) -> None:
        bot = self._bots.get(connection.bot_id)
        if bot is None or not (connection.is_enabled and connection.can_read):
            return
        call = ReadBusinessMessage(
            business_connection_id=connection.connection_id, chat_id=chat_id, message_id=message_id
        )
        try:
            await bot(call, request_timeout=TIMEOUT)  # type: ignore[arg-type]
        except AiogramError as error:
            log.debug("a message was not marked as read (%s)", type(error).__name__)


async def _newest(
    snapshot: Snapshot, address: ChatAddress
) -> tuple[BusinessConnection | None, int | None]:
    """Return the account's connection, and the newest message of the client."""
    connection = await snapshot.business.current(address.bot_id, address.business_user_id)
    return connection, await snapshot.messages.newest_heard(address.conversation_id)
