"""A bot's user name, looked up without aiogram: a command that only makes a link starts fast."""

import asyncio

import httpx

from bot.errors import BridgeError
from bot.http.clients import http_client
from bot.settings import BotSettings, Settings

TIMEOUT_S = 20
UNKNOWN = frozenset({401, 404})


class BotNameError(BridgeError):
    """Telegram did not return the bot's name."""


async def bot_username(settings: Settings, entry: BotSettings) -> str:
    """Return what a bot is called in links. Reference: Bot API, getMe.

    Raises:
        BotNameError: Telegram did not tell; the address holds the token, and is not repeated.
    """
    url = f"{settings.telegram.api_url.rstrip('/')}/bot{entry.token.get_secret_value()}/getMe"
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            http_client(settings.routes, timeout=TIMEOUT_S) as http,
        ):
            answer = await http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise BotNameError(
            f"Telegram did not return the bot's name ({type(error).__name__}); "
            "see: kommo-telegram check"
        ) from None
    if answer.status_code in UNKNOWN:
        raise BotNameError(
            f"Telegram does not accept the token of bot {entry.bot_id}: make a new one with "
            "@BotFather"
        )
    name = _username(answer)
    if not name:
        raise BotNameError(
            f"Telegram did not return the bot's name (status {answer.status_code}); "
            "see: kommo-telegram check"
        )
    return name


def _username(answer: httpx.Response) -> str | None:
    """Return the name in an answer; nothing when there is none."""
    try:
        name = answer.json()["result"]["username"]
    except (ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
