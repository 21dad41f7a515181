"""Messages to the operators' chats, wherever a chat went since it was entered in the settings."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest, TelegramMigrateToChat
from aiogram.methods import AnswerCallbackQuery, SendMessage
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.operate.dead_items import PATIENCE_S
from bot.operate.operators.commands import PRESS
from bot.operate.operators.known_chats import OperatorsChats
from bot.translate.outgoing.second_chances import is_topic_gone
from bot.translate.text import TEXT_LIMIT
from storage.database import Database
from storage.errors import DatabaseStalledError
from storage.patience import persist

TIMEOUT_S = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What an operator reads, and the buttons below it: label and command."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()


class Messenger:
    """Writes to the operators' chats."""

    def __init__(self, database: Database, chats: OperatorsChats) -> None:
        self._database = database
        self.chats = chats

    async def answer(
        self, bot: Bot, chat_id: int, answer: Answer, topic_id: int | None = None
    ) -> None:
        """Answer in a chat, and in the topic that was asked in; failures are only logged."""
        if not await self.post(bot, chat_id, answer, topic_id):
            log.warning("the operators' chat could not be answered")

    async def tell(self, bots: Sequence[Bot], text: str) -> bool:
        """Send a text to every chat, through the first bot that can; tell whether any got it."""
        is_told, answer = False, Answer(text)
        for chat_id in self.chats.reachable:
            for bot in bots:
                if await self.post(bot, chat_id, answer, self.chats.topic_id):
                    is_told = True
                    break
        return is_told

    async def post(
        self, bot: Bot, chat_id: int, answer: Answer, topic_id: int | None = None
    ) -> bool:
        """Send a message to a chat, wherever it went; tell whether it arrived.

        What a deleted topic does not take goes to the chat.
        """
        for _try in range(3):
            message = _message(self.chats.now(chat_id), answer, topic_id)
            try:
                await bot(message, request_timeout=TIMEOUT_S)
            except TelegramBadRequest as error:
                if topic_id is None or not is_topic_gone(error.message):
                    return _not_sent(bot, error)
                log.warning("the operators' topic is gone: %s", error, extra={"bot": bot.id})
                topic_id = None
            except TelegramMigrateToChat as error:
                await self.follow(message.chat_id, error.migrate_to_chat_id, within_s=PATIENCE_S)
            except (AiogramError, OSError) as error:
                return _not_sent(bot, error)
            else:
                return True
        return False

    async def follow(self, old: object, new: int, *, within_s: float | None) -> None:
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
            await persist(self._database, self.chats.save, within_s=within_s)
        except DatabaseStalledError as error:
            log.error("the new number of an operators' group could not be stored: %s", error)


async def answer_press(bot: Bot, callback_id: str) -> None:
    """Let the button's clock stop. Reference: Bot API, CallbackQuery (each is to be answered)."""
    try:
        await bot(AnswerCallbackQuery(callback_query_id=callback_id), request_timeout=TIMEOUT_S)
    except (AiogramError, OSError) as error:
        log.warning("an operator's press could not be answered: %s", error)


def _not_sent(bot: Bot, error: Exception) -> bool:
    log.warning("an operators' message was not sent: %s", error, extra={"bot": bot.id})
    return False


def _message(chat_id: int, answer: Answer, topic_id: int | None) -> SendMessage:
    keyboard = [
        [InlineKeyboardButton(text=label, callback_data=PRESS + command)]
        for label, command in answer.buttons
    ]
    return SendMessage(
        chat_id=chat_id,
        message_thread_id=topic_id,
        text=answer.text[:TEXT_LIMIT],
        reply_markup=InlineKeyboardMarkup(inline_keyboard=keyboard) if keyboard else None,
    )
