"""Try a parked update again: it goes through the ordinary intake of its bot."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.queue.outcomes import Delivered, Outcome, Undeliverable
from bot.translate.incoming.updates import UnreadableError
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.patience import persist
from storage.queue.reader import QueueItem

TakeIn = Callable[[Transaction, int, Mapping[str, Any]], Awaitable[None]]
"""Takes an update of a bot in; raises UnreadableError if it still cannot be read."""


class ParkedUpdates:
    """Hands updates back to the intake, which enqueues what they say like any other's."""

    def __init__(self, database: Database, take_in: TakeIn) -> None:
        self._database = database
        self._take_in = take_in

    async def take_in(self, item: QueueItem) -> Outcome:
        """Take an update in that can be read now, in the transaction that ends its item."""
        parked: dict[str, Any] = json.loads(item.payload)

        async def store(tx: Transaction) -> None:
            await self._take_in(tx, parked["bot_id"], parked["update"])
            await tx.to_kommo.finish(item.id, now=tx.now)

        try:
            await persist(self._database, store)
        except StorageError:
            raise
        except UnreadableError as error:
            return Undeliverable(f"still unreadable: {error}")
        except Exception as error:
            return Undeliverable(f"still unreadable: {type(error).__name__}")
        return Delivered()
