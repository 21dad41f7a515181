"""Shows a client that a manager is typing: at once or never, and for a bounded time.

Nothing waits for it, nothing is stored, a failure is no matter.
Reference: Bot API, sendChatAction; Kommo, Receiving chat webhooks (typing).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.methods import SendChatAction

from bot.background import end
from bot.deliver.telegram.planner import addressee_of
from bot.translate.ids import ChatAddress
from bot.translate.outgoing.addressee import addressed
from bot.translate.outgoing.second_chances import is_topic_gone
from storage.database import Database
from storage.errors import StorageError

SHOWN_FOR = timedelta(seconds=5)
"""How long Telegram shows it. Reference: Bot API, sendChatAction (5 seconds or less)."""

AGAIN_AFTER_S = 4.5
LONGEST = timedelta(seconds=30)
"""No single webhook makes it last longer, whatever moment it names."""

TIMEOUT = aiohttp.ClientTimeout(total=5)

log = logging.getLogger(__name__)


class Typist:
    """Keeps "is typing" up in the chats where a manager types."""

    def __init__(
        self, bots: Mapping[int, Bot], database: Database, *, now: Callable[[], datetime]
    ) -> None:
        self._bots = bots
        self._database = database
        self._now = now
        self._until: dict[ChatAddress, datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await end(self._tasks)

    def show(self, address: ChatAddress, until: datetime | None) -> None:
        """Show it until a moment, or as long as Telegram does; returns at once."""
        now = self._now()
        bot = self._bots.get(address.bot_id)
        end = min(until or now + SHOWN_FOR, now + LONGEST)
        if bot is None or end <= now:
            return
        is_running = address in self._until
        self._until[address] = end
        if not is_running:
            task = asyncio.create_task(self._keep_up(bot, address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _action(self, address: ChatAddress) -> SendChatAction:
        """Return the call, which leads where the next answer does."""
        async with self._database.snapshot() as snapshot:
            addressee = await addressee_of(snapshot, address)
        return addressed(SendChatAction(chat_id=address.chat_id, action="typing"), addressee)

    async def _keep_up(self, bot: Bot, address: ChatAddress) -> None:
        """Say it again as often as needed; a failure ends it until the next webhook."""
        try:
            action = await self._action(address)
            is_needed = True
            while is_needed:
                shown_until = self._now() + SHOWN_FOR
                action = await _shown(bot, action)
                await asyncio.sleep(AGAIN_AFTER_S)
                is_needed = self._until[address] > shown_until
        except (AiogramError, StorageError) as error:
            log.debug("typing is not shown (%s)", type(error).__name__, extra={"bot": bot.id})
        finally:
            del self._until[address]


async def _shown(bot: Bot, action: SendChatAction) -> SendChatAction:
    """Show it; return the call that did, which leads into the chat if its topic is gone."""
    try:
        await bot(action, request_timeout=TIMEOUT)  # type: ignore[arg-type]
    except TelegramBadRequest as error:
        if action.message_thread_id is None or not is_topic_gone(error.message):
            raise
        action = action.model_copy(update={"message_thread_id": None})
        await bot(action, request_timeout=TIMEOUT)  # type: ignore[arg-type]
    return action
