"""Alerts in the operators' chats, and the look at everything from which alerts come."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from aiogram import Bot

from bot.health import Health
from bot.operate.operators.alerts import Alert, News, alerts_in
from bot.operate.operators.messenger import Messenger
from bot.operate.operators.teller import Look, Teller
from bot.operate.status.machine import read_machine
from bot.operate.status.state import read_state
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)


async def look(
    database: Database,
    health: Health,
    *,
    copies: Path | None = None,
    now: Callable[[], datetime],
) -> list[Alert] | None:
    """Return everything that is wrong; None when it cannot be told now.

    Args:
        database: what is looked into.
        health: of the running parts.
        copies: where the daily backups are, if the settings ask for them.
        now: tells the time.
    """
    try:
        free_bytes = database.location.free_bytes()
        machine = await read_machine(database, copies)
        state = replace(await read_state(database, health, now=now()), machine=machine)
    except (StorageError, OSError) as error:
        log.error("no alerts: %s", error)
        return None
    return alerts_in(state, free_bytes=free_bytes)


class ChatAlerts:
    """Tells the operators what is news, through the first bot that can."""

    def __init__(self, messenger: Messenger, look: Look, now: Callable[[], datetime]) -> None:
        self._messenger = messenger
        self._teller = Teller(look, now)

    async def alert(self, bots: Sequence[Bot]) -> None:
        """Look at everything once; tell the operators what is news."""
        if self._messenger.chats:
            await self._teller.alert(partial(self._send, bots))

    async def tell_ends(self, bots: Sequence[Bot]) -> None:
        """Tell the operators that what they were told of is over, unless they are told now."""
        if self._messenger.chats:
            await self._teller.tell_ends(partial(self._send, bots))

    async def _send(self, bots: Sequence[Bot], news: News) -> bool:
        return await self._messenger.tell(bots, news.text())
