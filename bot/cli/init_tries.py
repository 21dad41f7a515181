"""Try a bot's token and an account's at once, each with one reading call."""

import asyncio
from typing import Any

import httpx

from bot.http.clients import http_client
from bot.http.routes import Routes
from bot.operate.check.connection_errors import why

TIMEOUT_S = 15.0
UNAUTHORIZED, NOT_FOUND, OK = 401, 404, 200


class WrongError(Exception):
    """An answer that cannot be right; the text says why."""


def try_bot(routes: Routes, api_url: str, token: str) -> dict[str, Any]:
    """Return what Telegram says of the bot. Reference: Bot API, getMe."""
    if not token.partition(":")[0].isdigit():
        raise WrongError("a token looks like 700001:AA..., copy all of it")
    answer = _get(routes, f"{api_url}/bot{token}/getMe", {})
    if answer.status_code in {UNAUTHORIZED, NOT_FOUND}:
        raise WrongError("Telegram does not know this token; copy it again from @BotFather")
    me = _json(answer).get("result")
    if not isinstance(me, dict) or not {"username", "first_name"} <= me.keys():
        raise WrongError("an unexpected answer; check the address of Telegram")
    return me


def try_account(routes: Routes, url: str, token: str) -> dict[str, Any]:
    """Return what Kommo says of the account. Reference: Kommo, Account parameters."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = _get(routes, f"{url}/api/v4/account?with=amojo_id", headers)
    if answer.status_code == UNAUTHORIZED:
        raise WrongError("Kommo does not accept this token; make a new one, on one line")
    account = _json(answer)
    if not account.get("amojo_id") or not {"id", "name"} <= account.keys():
        raise WrongError("Kommo did not return the account's amojo id; is this the right account?")
    return account


def _get(routes: Routes, url: str, headers: dict[str, str]) -> httpx.Response:
    """Ask; the address holds a token, so no error of the network is shown as it is."""
    try:
        return asyncio.run(_fetched(routes, url, headers))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        words, remedy = why(error)
        if words:
            raise WrongError(f"no answer: {words}; {remedy}") from error
        raise WrongError(f"no answer ({type(error).__name__}); check the network") from error


async def _fetched(routes: Routes, url: str, headers: dict[str, str]) -> httpx.Response:
    async with http_client(routes, timeout=TIMEOUT_S) as http:
        return await http.get(url, headers=headers)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
        if answer.status_code == OK and isinstance(body, dict):
            return body
    except ValueError:
        pass
    raise WrongError(f"an unexpected answer, status {answer.status_code}; check the address")
