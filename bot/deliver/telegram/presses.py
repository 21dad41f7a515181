"""Shows a client which button was pressed: stops its clock, and marks it in the keyboard.

Reference: Bot API, answerCallbackQuery, editMessageReplyMarkup.
"""

import logging
from typing import Any

import aiohttp
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.methods import AnswerCallbackQuery, EditMessageReplyMarkup, TelegramMethod

from bot.deliver.telegram.errors import is_about_message
from bot.translate.incoming.presses import Press, answer_text, choice
from bot.translate.outgoing.addressee import Addressee, addressed

log = logging.getLogger(__name__)


async def show_choice(
    bot: Bot, press: Press, addressee: Addressee, *, within: aiohttp.ClientTimeout
) -> None:
    """Answer a press and show the choice; doing so again changes nothing.

    A refusal is no failure: the press may be too old to be answered, the message deleted, the
    choice shown already. Anything else is raised as aiogram's error, to be tried again.
    """
    if press.callback_id:
        answer = AnswerCallbackQuery(callback_query_id=press.callback_id, text=answer_text(press))
        await _call(bot, answer, within)
    keyboard = choice(press)
    if keyboard is None or press.message_id is None:
        return
    edit = EditMessageReplyMarkup(
        chat_id=press.chat_id, message_id=press.message_id, reply_markup=keyboard
    )
    await _call(bot, addressed(edit, addressee), within)


async def _call(bot: Bot, call: TelegramMethod[Any], within: aiohttp.ClientTimeout) -> None:
    try:
        await bot(call, request_timeout=within)  # type: ignore[arg-type]
    except (TelegramBadRequest, TelegramForbiddenError) as error:
        if not is_about_message(error):
            raise
        log.info("the choice is not shown: %s", error.message, extra={"bot": bot.id})
