"""aiogram's models that the first messages need, built before there are any."""

import asyncio
from typing import Any

from aiogram.methods import (
    AnswerCallbackQuery,
    EditMessageReplyMarkup,
    GetUserProfilePhotos,
    SendDocument,
    SendMessage,
    SendPhoto,
    TelegramMethod,
)
from aiogram.types import Update

from bot.http.telegram_session import hold_answer_to
from bot.receive.telegram_poll import RawGetUpdates

METHODS: tuple[type[TelegramMethod[Any]], ...] = (
    RawGetUpdates,
    SendMessage,
    SendPhoto,
    SendDocument,
    AnswerCallbackQuery,
    EditMessageReplyMarkup,
    GetUserProfilePhotos,
)


async def build_first_models() -> None:
    """Build one after another; each takes some hundredths of a second at most."""
    Update.model_rebuild()
    for method in METHODS:
        await asyncio.sleep(0)
        method.model_rebuild()
        hold_answer_to(method)
