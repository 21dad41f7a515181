"""Shows a manager's reaction, as well as Telegram can.

Reference: Bot API, setMessageReaction.
"""

import logging

import aiohttp
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.methods import SetMessageReaction

from bot.deliver.telegram.errors import is_about_message

log = logging.getLogger(__name__)


async def show_reaction(
    bot: Bot, call: SetMessageReaction | None, *, within: aiohttp.ClientTimeout
) -> None:
    """Make the call; one that cannot be made, or is refused, is a line in the log.

    Kommo has no status for reactions, so nobody else can be told. Anything but a refusal is
    raised as aiogram's error, to be tried again.
    """
    if call is None:
        log.warning("a manager's reaction has no match in Telegram", extra={"bot": bot.id})
        return
    try:
        await bot(call, request_timeout=within)  # type: ignore[arg-type]
    except (TelegramBadRequest, TelegramForbiddenError) as error:
        if not is_about_message(error):
            raise
        log.warning("a manager's reaction is not shown: %s", error.message, extra={"bot": bot.id})
