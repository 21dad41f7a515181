"""Poll Telegram and store the updates: one poll per bot, each supervised on its own.

Updates are fetched as plain objects and confirmed by the next call, that is, after the commit.
Reference: Bot API, getUpdates.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import aiohttp
from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import DeleteWebhook, TelegramMethod

from bot.health import BotHealth
from bot.http.telegram_session import is_page
from bot.receive.business import Connections
from bot.receive.telegram_updates import Intake
from bot.translate.ids import ID_LIMIT
from storage.database import Database
from storage.errors import StorageError
from storage.patience import persist

KINDS = [
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "my_chat_member",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
]
WAIT_S, MARGIN_S, BATCH = 30, 10, 100
REVOKED_PAUSE_S, REVOKED_PATIENCE = 30.0, 20
"""A server that is being moved refuses all tokens for a minute; longer, it is about ours."""

CONFLICT_PAUSE_S, CONFLICT_WAIT_S = 2.0, 3
"""A poll that does not wait never meets the other program: it is over once one has waited."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 3.0
"""Short, so that the end of an outage is noticed at once: a poll costs next to nothing."""

LONGEST_ASKED_S = 120.0
"""A server that asks for a longer silence is asked all the same."""

CONNECT_S, HTML_CUT = 4, 120
QUICK_S, QUICK_PAUSE_S = 1.0, 0.5
"""A server that has nothing and does not wait either is not asked without a pause."""

KNOWN = (AiogramError, TimeoutError, OSError)
"""What a server or a network causes; anything else is a bug of ours, and leaves its traceback."""

log = logging.getLogger(__name__)


class RawGetUpdates(TelegramMethod[list[Any]]):
    """`getUpdates` that answers plain values: one unreadable update cannot stop the others."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int | None = None
    timeout: int | None = None
    allowed_updates: list[str] | None = None


OnStored = Callable[[int, Sequence[Mapping[str, Any]]], None]
"""Learns what clients' updates of a bot are on disk; returns at once."""


class OperatorChat(Protocol):
    """Whoever serves the operators' chats."""

    def takes(self, update: Mapping[str, Any]) -> bool:
        """Tell whether an update is of an operators' chat."""
        ...

    async def handle(self, bot: Bot, update: Mapping[str, Any]) -> None:
        """Take it, and have it carried out soon."""
        ...


class Poller:
    """Fetches the updates of one bot for ever; its troubles are its own."""

    def __init__(
        self,
        bot: Bot,
        intake: Intake,
        database: Database,
        *,
        health: BotHealth,
        operators: OperatorChat,
        connections: Connections,
        stored: OnStored = lambda _bot_id, _updates: None,
    ) -> None:
        self._bot = bot
        self._connections = connections
        self._stored = stored
        self._intake = intake
        self._database = database
        self._health = health
        self._operators = operators
        self._failures = 0

    async def run(self) -> None:
        """Poll until cancelled; raises only when an update cannot be stored.

        The first poll, and the first one after a failure, does not wait for updates: whoever looks
        after the bridge learns at once that the bot works.
        """
        is_ready, wait_s = False, 0
        offset: int | None = None
        while True:
            try:
                if not is_ready:
                    await self._prepare()
                    is_ready = True
                updates = await self._fetch(offset, wait_s)
                await self.store(updates)
            except StorageError:
                raise
            except Exception as error:  # whatever a server answers, this bot goes on
                is_ready, wait_s = is_ready and not _is_webhook(error), _wait_s(error)
                await asyncio.sleep(self._pause_s(error))
                continue
            self._recovered()
            following = _next_offset(updates, offset)
            if updates and following == offset:  # nothing confirms them: they come again
                await asyncio.sleep(LONGEST_PAUSE_S)
            offset, wait_s = following, WAIT_S

    async def _prepare(self) -> None:
        """Make sure that the bot's updates come by polling; nothing that waits is dropped."""
        await self._bot(DeleteWebhook(drop_pending_updates=False), request_timeout=MARGIN_S)
        await self._connections.read_all()

    async def _fetch(self, offset: int | None, wait_s: int) -> list[dict[str, Any]]:
        """Return what has come, waiting for it as long as told; what is no object is left out."""
        began_at = asyncio.get_running_loop().time()
        within = aiohttp.ClientTimeout(total=wait_s + MARGIN_S, sock_connect=CONNECT_S)
        found = await self._bot(
            RawGetUpdates(offset=offset, limit=BATCH, timeout=wait_s, allowed_updates=KINDS),
            request_timeout=within,  # type: ignore[arg-type]
        )
        if found is None:
            raise OSError("Telegram's answer has no updates in it")
        took_s = asyncio.get_running_loop().time() - began_at
        if not found and wait_s and took_s < QUICK_S:
            await asyncio.sleep(QUICK_PAUSE_S)
        updates = [update for update in found if isinstance(update, dict)]
        if len(updates) < len(found):
            log.error("Telegram sent updates that are no objects", extra={"bot": self._bot.id})
        return updates

    async def store(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Store a batch; what is said in operators' chats is theirs."""
        clients = [update for update in updates if not self._operators.takes(update)]
        if clients:
            await self._connections.learn(clients)
            await self._store_clients(clients)
            self._stored(self._bot.id, clients)
        for update in updates:
            if self._operators.takes(update):
                await self._hand_over(update)

    async def _hand_over(self, update: Mapping[str, Any]) -> None:
        """Give an update to the operators' chat; a fault of its own is no reason to stop."""
        try:
            await self._operators.handle(self._bot, update)
        except StorageError:
            raise
        except Exception:
            log.exception("an operator's update could not be taken")

    async def _store_clients(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Store all of them; where one of them fails, it is kept aside and stops no other."""
        try:
            await persist(self._database, partial(self._intake.store_all, updates=updates))
        except StorageError:
            raise
        except Exception as error:
            if len(updates) == 1:
                log.exception("an update could not be stored as it is")
                await self._set_aside(updates[0], reason=type(error).__name__)
                return
            for update in updates:
                await self._store_clients([update])

    async def _set_aside(self, update: Mapping[str, Any], *, reason: str) -> None:
        """Keep an update that cannot be stored, with its placeholder if that can be stored."""
        try:
            await persist(
                self._database, partial(self._intake.set_aside, update=update, reason=reason)
            )
        except StorageError:
            raise
        except Exception:
            log.exception("the placeholder of an update could not be stored either")
            await persist(self._database, partial(self._intake.park, update=update, reason=reason))

    def _pause_s(self, error: Exception) -> float:
        """Say what went wrong, and return how long to wait."""
        self._failures += 1
        match error:
            case TelegramUnauthorizedError() | TelegramNotFound() if not is_page(error):
                reason = "Telegram does not accept the token: make a new one with @BotFather"
                pause_s = self._backoff_s()
                if self._failures > REVOKED_PATIENCE:
                    pause_s = REVOKED_PAUSE_S
            case TelegramConflictError() if _is_webhook(error):
                reason = (
                    "another program set a webhook on this bot: stop it; the webhook is removed"
                )
                pause_s = self._backoff_s()
            case TelegramConflictError():
                reason = "another program polls this bot: stop it, or give it a bot of its own"
                pause_s = CONFLICT_PAUSE_S
            case TelegramRetryAfter():
                reason = "Telegram asks to slow down"
                pause_s = min(float(error.retry_after), LONGEST_ASKED_S)
            case ClientDecodeError():
                reason, pause_s = "Telegram's answer could not be read", self._backoff_s()
            case TelegramAPIError():
                reason = f"Telegram could not be reached: {error.message[:HTML_CUT]}"
                pause_s = self._backoff_s()
            case OSError():
                reason, pause_s = str(error) or type(error).__name__, self._backoff_s()
            case _:
                reason, pause_s = type(error).__name__, self._backoff_s()
        if self._health.problem != reason:
            is_known = isinstance(error, KNOWN)
            trace = None if is_known else error
            log.error("no updates: %s", reason, extra={"bot": self._bot.id}, exc_info=trace)
        self._health.problem = reason
        return pause_s

    def _backoff_s(self) -> float:
        pause_s = min(FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE_S)
        return float(pause_s) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, no secret

    def _recovered(self) -> None:
        if self._health.problem is not None:
            log.info("updates arrive again", extra={"bot": self._bot.id})
        self._failures = 0
        self._health.problem = None
        self._health.is_polling = True


def _wait_s(error: Exception) -> int:
    """Return how long the poll after a failure waits: only as long as tells the end of it."""
    is_other_program = isinstance(error, TelegramConflictError) and not _is_webhook(error)
    return CONFLICT_WAIT_S if is_other_program else 0


def _is_webhook(error: Exception) -> bool:
    """Tell whether a webhook is in the way of polling. Reference: Bot API, getUpdates."""
    return isinstance(error, TelegramConflictError) and "webhook" in error.message.lower()


def _next_offset(updates: Sequence[Mapping[str, Any]], offset: int | None) -> int | None:
    """Return what confirms a batch; an update without a number of Telegram's confirms nothing.

    A negative one would confirm all but the newest updates. Reference: Bot API, getUpdates.
    """
    found = (update.get("update_id") for update in updates)
    ids = [one for one in found if type(one) is int and 0 < one < ID_LIMIT]
    return max(ids) + 1 if ids else offset
