"""The sandbox's Telegram, and aiogram's bot as its user."""

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from sandbox.telegram import TelegramServer


class QuickSession(AiohttpSession):
    """A session that closes without aiogram's pause for TLS, which there is none of here."""

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


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
    session = QuickSession(api=TelegramAPIServer.from_base(telegram.url))
    async with Bot(TOKEN, session=session).context() as made:
        yield made
