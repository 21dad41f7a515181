"""Know the business accounts that a bot acts for, before what comes through them is stored."""

import logging
from collections.abc import Mapping, Sequence
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
        self._known: set[str] = set()

    async def learn(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Ask Telegram about connections that nothing is known of.

        Raises:
            AiogramError: Telegram could not be asked; the updates come again.
        """
        named = {name for update in updates if (name := connection_id_in(update))}
        told = {one.connection_id for update in updates if (one := told_in(update))}
        for name in sorted(named - told - self._known):
            async with self._database.snapshot() as snapshot:
                is_known = await snapshot.business.get(name) is not None
            if is_known or await self.read(name):
                self._known.add(name)

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

    async def read_all(self) -> None:
        """Ask again how all known connections are: rights change while nobody looks."""
        async with self._database.snapshot() as snapshot:
            known = await snapshot.business.accounts(self._bot.id)
        for one in known:
            try:
                await self.read(one.connection_id)
            except AiogramError as error:
                log.info(
                    "a business connection was not read again (%s)",
                    type(error).__name__,
                    extra={"bot": self._bot.id},
                )
                return


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
