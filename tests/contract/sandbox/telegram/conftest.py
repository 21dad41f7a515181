"""The sandbox's Telegram, and aiogram's bot as its user."""

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot

from bot.http.telegram_session import TelegramSession
from sandbox.telegram.server import TelegramServer

TOKEN = "700001:not-a-real-token"


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """A Telegram with one bot, to which Ann has written."""
    async with TelegramServer.start() as server:
        server.add_bot(TOKEN, name="Sales", username="sales_bot")
        server.client_starts()
        yield server


@pytest.fixture
async def bot(telegram: TelegramServer) -> AsyncIterator[Bot]:
    """That bot."""
    async with Bot(TOKEN, session=TelegramSession(telegram.url)).context() as made:
        yield made
