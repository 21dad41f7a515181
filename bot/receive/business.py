"""Know the business accounts that a bot acts for, before what comes through them is stored."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest, TelegramForbiddenError
from aiogram.methods import TelegramMethod

from bot.conversations.accounts import in_words
from bot.translate.incoming.business import (
    CONNECTION,
    Connection,
    connection,
    connection_id_in,
)
from storage.business import BusinessConnection
from storage.database import Database, Transaction
from storage.patience import persist

TIMEOUT = aiohttp.ClientTimeout(total=10)

PATIENCE = 5
"""So often updates come again because nobody says through whose account they came."""

EVERY_S, AFTER_FAILURE_S = 300.0, 30.0
"""Connections are read again so often: what no update told is found out."""

log = logging.getLogger(__name__)


class RawGetBusinessConnection(TelegramMethod[dict[str, Any]]):
    """`getBusinessConnection` that answers plain values, as updates do."""

    __returning__ = dict[str, Any]
    __api_method__ = "getBusinessConnection"

    business_connection_id: str


class Connections:
    """The business connections of one bot."""

    def __init__(self, bot: Bot, database: Database) -> None:
        self._bot = bot
        self._database = database
        self._failures = 0

    async def learn(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Ask Telegram about connections that nothing is known of, or that were taken for ended.

        Raises:
            AiogramError: Telegram could not be asked; the updates come again.
        """
        named = {name for update in updates if (name := connection_id_in(update))}
        told = {one.connection_id for update in updates if (one := told_in(update))}
        for name in sorted(named - told):
            async with self._database.snapshot() as snapshot:
                known = await snapshot.business.get(name)
            if known is None or not known.is_enabled:
                await self._learn(name)

    async def _learn(self, name: str) -> None:
        """Ask about a connection; if Telegram never says, its updates are kept aside."""
        try:
            await self.read(name)
        except AiogramError:
            self._failures += 1
            if self._failures < PATIENCE:
                raise
            log.error("a business connection cannot be read", extra={"bot": self._bot.id})
        self._failures = 0

    async def read(self, name: str) -> bool:
        """Ask Telegram how a connection is, and store it; tell whether there is one.

        Raises:
            AiogramError: Telegram could not be asked.
        """
        try:
            raw = await self._bot(
                RawGetBusinessConnection(business_connection_id=name),
                request_timeout=TIMEOUT,  # type: ignore[arg-type]
            )
        except (TelegramBadRequest, TelegramForbiddenError):
            await persist(self._database, lambda tx: tx.business.end(name, now=tx.now))
            return False
        found = connection(raw)
        if found is None:
            return False
        await persist(self._database, lambda tx: store_connection(tx, self._bot.id, found))
        return True

    async def read_all(self) -> bool:
        """Ask again how all known connections are; tell whether Telegram said of each."""
        async with self._database.snapshot() as snapshot:
            known = await snapshot.business.accounts(self._bot.id)
        for one in known:
            if not await self.read_again(one.connection_id):
                return False
        return True

    async def read_again(self, name: str) -> bool:
        """Ask again how a connection is; tell whether Telegram said."""
        try:
            await self.read(name)
        except AiogramError as error:
            log.info(
                "a business connection was not read again (%s)",
                type(error).__name__,
                extra={"bot": self._bot.id},
            )
            return False
        return True


async def keep_reading(
    bots: Iterable[Connections],
    *,
    every_s: float = EVERY_S,
    after_failure_s: float = AFTER_FAILURE_S,
) -> None:
    """Read the connections of all bots again and again: rights change while nobody looks."""
    async with asyncio.TaskGroup() as tasks:
        for connections in bots:
            tasks.create_task(_keep_reading(connections, every_s, after_failure_s))


async def _keep_reading(connections: Connections, every_s: float, after_failure_s: float) -> None:
    await asyncio.sleep(every_s)  # a start reads them before the first updates
    while True:
        is_said = await connections.read_all()
        await asyncio.sleep(every_s if is_said else after_failure_s)


async def store_connection(tx: Transaction, bot_id: int, found: Connection) -> None:
    """Store a connection as it is now; what changed is a line in the log."""
    row = BusinessConnection(
        connection_id=found.connection_id,
        bot_id=bot_id,
        business_user_id=found.owner_id,
        name=found.name,
        can_reply=found.can_reply,
        can_read=found.can_read,
        is_enabled=found.is_enabled,
        connected_at=found.connected_at,
        known_at=tx.now,
    )
    before = await tx.business.current(bot_id, found.owner_id)
    await tx.business.save(row)
    after = await tx.business.current(bot_id, found.owner_id)
    if after is not None and (before is None or before.can_be_used != after.can_be_used):
        level = logging.INFO if after.can_be_used else logging.WARNING
        log.log(level, "business account: %s", in_words(after), extra={"bot": bot_id})


def told_in(update: Mapping[str, Any]) -> Connection | None:
    """Return the connection that an update is about."""
    return connection(update.get(CONNECTION))
