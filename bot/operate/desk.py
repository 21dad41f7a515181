"""The operators' desk: answers commands in their chat, and tells them what is wrong.

Only the chats in the settings are heard; what they command never reaches Kommo, and nothing of it
a client.
"""

import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.methods import AnswerCallbackQuery, SendMessage
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.health import Health
from bot.items import Lifetimes
from bot.operate.alerts import AlertBook, alerts_in
from bot.operate.commands import (
    HELP,
    PRESS,
    Command,
    command_in,
    failed_text,
    retried_text,
    status_text,
)
from bot.operate.failed import failed_items, retry
from bot.operate.state import read_state
from bot.translate.text import TEXT_LIMIT
from storage.database import Database

PAUSED = "paused"
"""The note that keeps a pause through a restart."""

TIMEOUT_S = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What an operator reads, and the buttons below it: label and command."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Desk:
    """Serves the operators' chats."""

    database: Database
    chat_ids: tuple[int, ...]
    health: Health
    lifetimes: Lifetimes
    now: Callable[[], datetime]
    book: AlertBook = field(default_factory=AlertBook)

    async def load(self) -> None:
        """Remember a pause from before the start."""
        async with self.database.snapshot() as snapshot:
            self.health.is_paused = await snapshot.notes.get(PAUSED) is not None

    def takes(self, update: Mapping[str, Any]) -> bool:
        """Tell whether an update is for the desk; all others are clients'."""
        return command_in(update, self.chat_ids) is not None

    async def handle(self, bot: Bot, update: Mapping[str, Any]) -> None:
        """Carry a command out and answer it; an answer that does not arrive is only logged."""
        command = command_in(update, self.chat_ids)
        if command is None:
            return
        answer = await self._carry_out(command)
        log.info("operator's command carried out", extra={"command": command.name})
        try:
            if command.callback_id is not None:
                await bot(AnswerCallbackQuery(callback_query_id=command.callback_id))
            await bot(_message(command.chat_id, answer), request_timeout=TIMEOUT_S)
        except (AiogramError, OSError) as error:
            log.warning("the operators' chat could not be answered: %s", error)

    async def alert(self, bots: Sequence[Bot]) -> None:
        """Look at everything once; tell the operators what is news, through the first bot."""
        if not self.chat_ids:
            return
        free_bytes = shutil.disk_usage(self.database.folder).free
        state = await read_state(self.database, self.health, now=self.now())
        news = self.book.news(alerts_in(state, free_bytes=free_bytes), now=self.now())
        if news is not None and await self._tell(bots, news.text()):
            self.book.tell(news, now=self.now())

    async def _tell(self, bots: Sequence[Bot], text: str) -> bool:
        """Send a message to every operators' chat; tell whether any got it."""
        is_told = False
        for chat_id in self.chat_ids:
            is_told = await _send(bots, _message(chat_id, Answer(text))) or is_told
        return is_told

    async def _carry_out(self, command: Command) -> Answer:
        actions: dict[str, Callable[[Command], Awaitable[Answer]]] = {
            "status": self._status,
            "failed": self._failed,
            "retry": self._retry,
            "pause": self._pause,
            "resume": self._resume,
        }
        action = actions.get(command.name)
        return await action(command) if action else Answer(HELP)

    async def _status(self, _command: Command) -> Answer:
        state = await read_state(self.database, self.health, now=self.now())
        turn = ("Resume", "resume") if self.health.is_paused else ("Pause", "pause")
        failed = (("Failed", "failed"),) if state.failures else ()
        return Answer(status_text(state), (*failed, turn))

    async def _failed(self, _command: Command) -> Answer:
        failures = await failed_items(self.database)
        buttons = (("Try all again", "retry"),) if failures else ()
        return Answer(failed_text(failures), buttons)

    async def _retry(self, command: Command) -> Answer:
        names = command.arguments or [item.name for item in await failed_items(self.database)]
        count = await retry(self.database, names, now=self.now(), lifetimes=self.lifetimes)
        text = retried_text(count, len(names) - count)
        return Answer(text, (("Status", "status"),))

    async def _pause(self, _command: Command) -> Answer:
        async with self.database.transaction() as tx:
            await tx.notes.put(PAUSED, self.now().isoformat(timespec="seconds"))
        self.health.is_paused = True
        return Answer(
            "Deliveries are paused, both ways. What arrives is kept.", (("Resume", "resume"),)
        )

    async def _resume(self, _command: Command) -> Answer:
        async with self.database.transaction() as tx:
            await tx.notes.delete(PAUSED)
        self.health.is_paused = False
        return Answer("Deliveries go on.", (("Status", "status"),))


async def _send(bots: Sequence[Bot], message: SendMessage) -> bool:
    """Send through the first bot that can."""
    for bot in bots:
        try:
            await bot(message, request_timeout=TIMEOUT_S)
        except (AiogramError, OSError) as error:
            log.warning("an alert could not be sent: %s", error, extra={"bot": bot.id})
        else:
            return True
    return False


def _message(chat_id: int, answer: Answer) -> SendMessage:
    keyboard = [
        [InlineKeyboardButton(text=label, callback_data=PRESS + command)]
        for label, command in answer.buttons
    ]
    return SendMessage(
        chat_id=chat_id,
        text=answer.text[:TEXT_LIMIT],
        reply_markup=InlineKeyboardMarkup(inline_keyboard=keyboard) if keyboard else None,
    )
