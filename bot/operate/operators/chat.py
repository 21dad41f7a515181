"""The operators' desk: answers commands in their chat, and tells them what is wrong.

Only the chats in the settings are heard; what is said there never reaches Kommo, and nothing of it
a client. Commands are carried out beside the polling, so that no client waits for them.
"""

import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramMigrateToChat
from aiogram.methods import AnswerCallbackQuery, SendMessage
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.background import Background
from bot.health import Health
from bot.operate.dead_items import PATIENCE_S, drop, failed_items, open_items, retry
from bot.operate.operators.alerts import Alert, News, alerts_in
from bot.operate.operators.commands import (
    FAILED,
    HELP,
    HINT,
    NOT_NOW,
    PRESS,
    WHICH,
    Command,
    asks_for_id,
    command_in,
    drop_button,
    drop_question,
    dropped_text,
    failed_text,
    id_text,
    is_confirmed,
    named_in,
    press_in,
    retried_text,
    status_text,
    unknown_text,
)
from bot.operate.operators.known_chats import OperatorsChats, chat_in, move_in
from bot.operate.operators.orders import Orders
from bot.operate.operators.teller import Teller
from bot.operate.status.state import read_state
from bot.queue.items import Lifetimes
from bot.translate.text import TEXT_LIMIT
from storage.database import Database, Transaction
from storage.errors import DatabaseStalledError, StorageError
from storage.patience import persist

PAUSED = "paused"
"""The note that keeps a pause through a restart."""

TIMEOUT_S = 10
PRESSES = 8
"""So many presses are answered at a time, beside the commands: Telegram waits for seconds."""

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
    orders: Orders = field(default_factory=Orders)
    presses: Background = field(default_factory=partial(Background, PRESSES))
    hinted: set[int] = field(default_factory=set)

    @cached_property
    def chats(self) -> OperatorsChats:
        """Return the operators' chats, wherever they went."""
        return OperatorsChats(self.chat_ids)

    @cached_property
    def teller(self) -> Teller:
        """Return what knows what the chats were told."""
        return Teller(self.look, self.now)

    async def load(self) -> None:
        """Remember a pause, and where chats went, from before the start."""
        async with self.database.snapshot() as snapshot:
            self.health.is_paused = await snapshot.facts.get(PAUSED) is not None
            await self.chats.load(snapshot.facts)

    def takes(self, update: Mapping[str, Any]) -> bool:
        """Tell whether an update is of an operators' chat; all others are clients'.

        While the settings name no such chat, whoever asks for /id is about to enter one.
        """
        if not self.chat_ids:
            return asks_for_id(update)
        move = move_in(update)
        return chat_in(update) in self.chats or (move is not None and move[0] in self.chats)

    async def handle(self, bot: Bot, update: Mapping[str, Any]) -> None:
        """Take an update; what an operator asks for is done soon, and nobody waits for it."""
        if not self.chat_ids:
            self._tell_id(bot, chat_in(update))
            return
        move = move_in(update)
        if move is not None:
            await self._follow(*move, within_s=None)
            return
        press = press_in(update)
        if press is not None:
            self.presses.start(press, partial(_answer_press, bot, press))
        command = command_in(update, self.chats)
        if command is not None:
            self._order(command.chat_id, partial(self._serve, bot, command))
        elif "message" in update:
            self._hint(bot, chat_in(update))

    def _tell_id(self, bot: Bot, chat_id: int) -> None:
        """Answer somebody who is nobody's operator yet; beside the rest, and once at a time."""
        answer = Answer(id_text(chat_id, self.chats, is_named=False))
        self.presses.start(f"id:{chat_id}", partial(self._answer, bot, chat_id, answer))

    def _order(self, chat_id: int, work: Callable[[], Awaitable[object]]) -> None:
        if not self.orders.add(chat_id, work):
            log.warning("an operator's command is left out: too many wait before it")

    def _hint(self, bot: Bot, chat_id: int) -> None:
        """Say once what this chat is for; in a group, people talk to one another."""
        if chat_id > 0 and chat_id not in self.hinted:
            self.hinted.add(chat_id)
            self._order(chat_id, partial(self._answer, bot, chat_id, Answer(HINT)))

    async def _serve(self, bot: Bot, command: Command) -> None:
        """Carry a command out and answer it."""
        try:
            answer = await self._carry_out(command)
        except StorageError as error:
            log.error("an operator's command could not be carried out: %s", error)
            answer = Answer(NOT_NOW)
        except Exception:
            log.exception("an operator's command failed unexpectedly")
            answer = Answer(FAILED)
        else:
            log.info("operator's command carried out", extra={"command": command.name})
        await self._answer(bot, command.chat_id, answer)

    async def _answer(self, bot: Bot, chat_id: int, answer: Answer) -> None:
        """Answer in a chat; what does not arrive is only logged."""
        if not await self._post(bot, chat_id, answer):
            log.warning("the operators' chat could not be answered")

    async def alert(self, bots: Sequence[Bot]) -> None:
        """Look at everything once; tell the operators what is news, through the first bot."""
        if self.chat_ids:
            await self.teller.alert(partial(self._tell, bots))

    async def tell_ends(self, bots: Sequence[Bot]) -> None:
        """Tell the operators that what they were told of is over, unless they are told now."""
        if self.chat_ids:
            await self.teller.tell_ends(partial(self._tell, bots))

    async def look(self) -> list[Alert] | None:
        """Return everything that is wrong; None when it cannot be told now."""
        try:
            free_bytes = shutil.disk_usage(self.database.folder).free
            state = await read_state(self.database, self.health, now=self.now())
        except (StorageError, OSError) as error:
            log.error("no alerts: %s", error)
            return None
        return alerts_in(state, free_bytes=free_bytes)

    async def _tell(self, bots: Sequence[Bot], news: News) -> bool:
        """Send news to every operators' chat; tell whether any got it."""
        is_told, answer = False, Answer(news.text())
        for chat_id in self.chats.reachable:
            for bot in bots:
                if await self._post(bot, chat_id, answer):
                    is_told = True
                    break
        return is_told

    async def _post(self, bot: Bot, chat_id: int, answer: Answer) -> bool:
        """Send a message to a chat, wherever it went; tell whether it arrived."""
        for _try in range(2):
            try:
                message = _message(self.chats.now(chat_id), answer)
                await bot(message, request_timeout=TIMEOUT_S)
            except TelegramMigrateToChat as error:
                await self._follow(message.chat_id, error.migrate_to_chat_id, within_s=PATIENCE_S)
            except (AiogramError, OSError) as error:
                log.warning("an operators' message was not sent: %s", error, extra={"bot": bot.id})
                return False
            else:
                return True
        return False

    async def _follow(self, old: object, new: int, *, within_s: float | None) -> None:
        """Remember where a chat went."""
        if not isinstance(old, int) or not self.chats.move(old, new):
            return
        log.warning(
            "an operators' group became a supergroup: %d is %d now; put the new number into "
            "operators.chat_ids",
            old,
            new,
        )
        try:
            await persist(self.database, self.chats.save, within_s=within_s)
        except DatabaseStalledError as error:
            log.error("where an operators' group went is not stored: %s", error)

    async def _carry_out(self, command: Command) -> Answer:
        actions: dict[str, Callable[[Command], Awaitable[Answer]]] = {
            "status": self._status,
            "failed": self._failed,
            "retry": self._retry,
            "drop": self._drop,
            "id": self._id,
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

    async def _drop(self, command: Command) -> Answer:
        """Give items up, once that is confirmed."""
        names = named_in(command.arguments)
        if not names:
            return Answer(WHICH)
        if is_confirmed(command.arguments):
            dropped = await drop(self.database, names, now=self.now())
            unknown = [name for name in names if name not in dropped]
            return Answer(dropped_text(dropped, unknown), (("Status", "status"),))
        known = await open_items(self.database, names)
        unknown = [name for name in names if name not in known]
        if not known:
            return Answer("\n".join(unknown_text(unknown)))
        return Answer(drop_question(known, unknown), drop_button(known))

    async def _id(self, command: Command) -> Answer:
        return Answer(id_text(command.chat_id, self.chats, is_named=True))

    async def _pause(self, _command: Command) -> Answer:
        await persist(self.database, self._note_pause, within_s=PATIENCE_S)
        self.health.is_paused = True
        return Answer(
            "Deliveries are paused, both ways. What arrives is kept.", (("Resume", "resume"),)
        )

    async def _note_pause(self, tx: Transaction) -> None:
        if await tx.facts.get(PAUSED) is None:
            await tx.facts.put(PAUSED, self.now().isoformat(timespec="milliseconds"))

    async def _end_pause(self, tx: Transaction) -> None:
        """Forget the pause; what waited has as much time left as before it."""
        paused_at = _moment(await tx.facts.get(PAUSED))
        if paused_at is not None:
            for queue in (tx.to_telegram, tx.to_kommo):
                await queue.make_up_for_pause(since=paused_at, now=self.now())
        await tx.facts.delete(PAUSED)

    async def _resume(self, _command: Command) -> Answer:
        await persist(self.database, self._end_pause, within_s=PATIENCE_S)
        self.health.is_paused = False
        return Answer("Deliveries go on.", (("Status", "status"),))


def _moment(text: str | None) -> datetime | None:
    """Read a moment; None when there is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


async def _answer_press(bot: Bot, callback_id: str) -> None:
    """Let the button's clock stop. Reference: Bot API, CallbackQuery (each is to be answered)."""
    try:
        await bot(AnswerCallbackQuery(callback_query_id=callback_id), request_timeout=TIMEOUT_S)
    except (AiogramError, OSError) as error:
        log.warning("an operator's press could not be answered: %s", error)


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
