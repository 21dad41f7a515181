"""Faults and limits in Telegram's words."""

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)

from sandbox.telegram.flood import FloodLimit
from sandbox.telegram.server import TelegramServer

ANN, BOB = 555, 556


async def test_faults_have_telegrams_words(telegram: TelegramServer, bot: Bot) -> None:
    """What is made to fail fails as aiogram knows it."""
    telegram.faults.fail("sendMessage", status=429, retry_after=7)
    with pytest.raises(TelegramRetryAfter) as flood:
        await bot.send_message(ANN, "x")
    assert flood.value.retry_after == 7
    telegram.fail_with(500, 413)
    for error in (TelegramServerError, TelegramEntityTooLarge):
        with pytest.raises(error):
            await bot.send_message(ANN, "x")
    telegram.faults.html("send")
    with pytest.raises(TelegramServerError):
        await bot.send_message(ANN, "x")
    telegram.faults.reset(chat_id=ANN, after_processing=True)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(ANN, "sent after all")
    assert telegram.texts_to(ANN) == ["sent after all"]


async def test_downloads_can_fail_too(telegram: TelegramServer, bot: Bot) -> None:
    """A download is named by its path."""
    file_id = telegram.add_file(b"text", "a.txt")
    telegram.faults.fail("file/documents", status=502)
    with pytest.raises(Exception, match="502"):
        await bot.download(file_id)
    assert await bot.download(file_id)


async def test_sending_too_fast_is_refused(telegram: TelegramServer, bot: Bot) -> None:
    """With the limit on, a chat takes a short burst and a bot so many a second."""
    now = 0.0
    telegram.flood_limit = FloodLimit(
        chat_burst=2, chat_per_s=0.5, bot_burst=3, bot_per_s=1, clock=lambda: now
    )
    telegram.client_starts(chat_id=BOB, name="Bob")
    await bot.send_message(ANN, "1")
    await bot.send_message(ANN, "2")
    with pytest.raises(TelegramRetryAfter) as one_chat:
        await bot.send_message(ANN, "3")
    await bot.send_message(BOB, "1")
    with pytest.raises(TelegramRetryAfter) as whole_bot:
        await bot.send_message(BOB, "2")
    await bot.send_chat_action(ANN, "typing")
    await bot.get_me()
    now = 2.0
    await bot.send_message(ANN, "3")
    assert (one_chat.value.retry_after, whole_bot.value.retry_after) == (2, 1)
    assert telegram.flood_limit.refused == 2
    assert telegram.texts_to(ANN) == ["1", "2", "3"]
