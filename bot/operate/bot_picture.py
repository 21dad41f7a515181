"""A bot's own picture, asked without aiogram: a command that imports starts at once."""

import asyncio
from typing import Any

import httpx

from bot.http.clients import http_client
from bot.settings import BotSettings, Settings

TIMEOUT_S = 10


async def bot_picture(settings: Settings, entry: BotSettings) -> str | None:
    """Return Telegram's id of a bot's picture; None if it has none, or nobody tells.

    Reference: Bot API, getUserProfilePhotos.
    """
    token = entry.token.get_secret_value()
    url = f"{settings.telegram.api_url.rstrip('/')}/bot{token}/getUserProfilePhotos"
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            http_client(settings.routes, timeout=TIMEOUT_S) as http,
        ):
            answer = await http.get(url, params={"user_id": entry.bot_id, "limit": 1})
            return _largest(answer.json())
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError):
        return None


def _largest(answer: Any) -> str | None:
    """Return the file id of the best size of the first picture."""
    try:
        sizes = answer["result"]["photos"][0]
        file_id = max(sizes, key=lambda size: size["width"] * size["height"])["file_id"]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return file_id if isinstance(file_id, str) else None
