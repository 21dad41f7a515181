"""The operators' chat: takes its updates, and has commands carried out and answered.

Only the chats in the settings are heard; what is said there never reaches Kommo, and nothing of it
a client. Commands are carried out beside the polling, so that no client waits for them.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from aiogram import Bot

from bot.background import Background
from bot.operate.operators.actions import Actions
from bot.operate.operators.commands import (
    FAILED,
    HINT,
    NOT_NOW,
    Command,
    asks_for_id,
    command_in,
    id_text,
    press_in,
)
from bot.operate.operators.known_chats import chat_in, move_in, topic_in
from bot.operate.operators.messenger import Answer, Messenger, answer_press
from bot.operate.operators.orders import Orders
from storage.errors import StorageError

PRESSES = 8
"""So many presses are answered at a time, beside the commands: Telegram waits for seconds."""

log = logging.getLogger(__name__)


class OperatorChat:
    """Serves the operators' chats.

    Args:
        orders: the commands under way, one after the other in each chat.
        presses: the presses under way.
    """

    def __init__(
        self, messenger: Messenger, actions: Actions, orders: Orders, presses: Background
    ) -> None:
        self._messenger = messenger
        self._chats = messenger.chats
        self._actions = actions
        self._orders = orders
        self._presses = presses
        self._hinted: set[int] = set()

    def takes(self, update: Mapping[str, Any]) -> bool:
        """Tell whether an update is of an operators' chat; all others are clients'.

        While the settings name no such chat, whoever asks for /id is about to enter one.
        """
        if not self._chats:
            return asks_for_id(update)
        move = move_in(update)
        return chat_in(update) in self._chats or (move is not None and move[0] in self._chats)

    async def handle(self, bot: Bot, update: Mapping[str, Any]) -> None:
        """Take an update; what an operator asks for is done soon, and nobody waits for it."""
        if not self._chats:
            self._tell_id(bot, chat_in(update), topic_in(update))
            return
        move = move_in(update)
        if move is not None:
            await self._messenger.follow(*move, within_s=None)
            return
        press = press_in(update)
        if press is not None:
            self._presses.start(press, partial(answer_press, bot, press))
        topic_id = topic_in(update)
        if self._chats.topic_id not in {None, topic_id}:
            self._tell_topic(bot, update, topic_id)
            return
        command = command_in(update, self._chats)
        if command is not None:
            command = replace(command, topic_id=topic_id)
            self._order(command.chat_id, partial(self._serve, bot, command))
        elif "message" in update:
            self._hint(bot, chat_in(update))

    def _tell_id(self, bot: Bot, chat_id: int, topic_id: int | None) -> None:
        """Answer somebody who is nobody's operator yet; beside the rest, and once at a time."""
        answer = Answer(id_text(chat_id, self._chats, is_named=False, topic_id=topic_id))
        self._presses.start(
            f"id:{chat_id}", partial(self._messenger.answer, bot, chat_id, answer, topic_id)
        )

    def _tell_topic(self, bot: Bot, update: Mapping[str, Any], topic_id: int | None) -> None:
        """Answer /id in another topic of the operators' forum, and nothing else."""
        if asks_for_id(update):
            chat_id = chat_in(update)
            answer = Answer(id_text(chat_id, (), is_named=True, topic_id=topic_id))
            self._order(chat_id, partial(self._messenger.answer, bot, chat_id, answer, topic_id))

    def _order(self, chat_id: int, work: Callable[[], Awaitable[object]]) -> None:
        if not self._orders.add(chat_id, work):
            log.warning("an operator's command was dropped: too many are waiting")

    def _hint(self, bot: Bot, chat_id: int) -> None:
        """Say once what this chat is for; in a group, people talk to one another."""
        if chat_id > 0 and chat_id not in self._hinted:
            self._hinted.add(chat_id)
            self._order(chat_id, partial(self._messenger.answer, bot, chat_id, Answer(HINT)))

    async def _serve(self, bot: Bot, command: Command) -> None:
        """Carry a command out and answer it."""
        try:
            answer = await self._actions.carry_out(command)
        except StorageError as error:
            log.error("an operator's command could not be carried out: %s", error)
            answer = Answer(NOT_NOW)
        except Exception:
            log.exception("an operator's command failed unexpectedly")
            answer = Answer(FAILED)
        else:
            log.info("operator's command carried out", extra={"command": command.name})
        await self._messenger.answer(bot, command.chat_id, answer, command.topic_id)
