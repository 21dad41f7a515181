"""getUpdates as it really is: confirmed by offset, long, and ended by a newer call.

Reference: Bot API, getUpdates.
"""

import asyncio
import json
from typing import Any

from aiohttp import web

from sandbox.telegram_model import DEFAULT_KINDS, Bot, Poll

LONGEST_WAIT_S, BATCH = 50, 100

REPLACED = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_ACTIVE = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class ApiError(Exception):
    """An answer that is not ok."""

    def __init__(
        self, status: int, description: str, parameters: dict[str, Any] | None = None
    ) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def response(self) -> web.Response:
        """Return the error as Telegram words it."""
        body = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return web.json_response(body, status=self.status)


async def get_updates(bot: Bot, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer one getUpdates call."""
    if bot.webhook_url:
        raise ApiError(409, WEBHOOK_ACTIVE)
    if parameters.get("allowed_updates") is not None:
        bot.kinds = _kinds(parameters["allowed_updates"])
    _confirm(bot, int(parameters.get("offset") or 0))
    limit = min(max(int(parameters.get("limit") or BATCH), 1), BATCH)
    wait_s = min(max(int(parameters.get("timeout") or 0), 0), LONGEST_WAIT_S)
    if bot.poll is not None:
        bot.poll.is_replaced = True
        bot.poll.ended.set()
    bot.poll = poll = Poll()
    try:
        await _until_something(bot, poll, wait_s)
    finally:
        if bot.poll is poll:
            bot.poll = None
    if poll.is_replaced:
        raise ApiError(409, REPLACED)
    return bot.updates[:limit]


def add_update(bot: Bot, kind: str, content: Any) -> int:
    """Queue an update, if the bot asked for its kind."""
    update_id = next(bot.update_ids)
    if kind in bot.kinds:
        bot.updates.append({"update_id": update_id, kind: content})
        bot.arrived.set()
    return update_id


def _kinds(value: Any) -> frozenset[str]:
    kinds = json.loads(value) if isinstance(value, str) else value
    return frozenset(kinds) if kinds else DEFAULT_KINDS


def _confirm(bot: Bot, offset: int) -> None:
    """Forget the updates below an offset; a negative one counts from the end."""
    if offset < 0:
        offset = bot.updates[offset]["update_id"] if len(bot.updates) >= -offset else 0
    if offset <= 0:
        return
    bot.confirmed += [
        update["update_id"] for update in bot.updates if update["update_id"] < offset
    ]
    bot.updates[:] = [update for update in bot.updates if update["update_id"] >= offset]


async def _until_something(bot: Bot, poll: Poll, wait_s: float) -> None:
    """Wait for an update, for a newer call, or for the time to pass."""
    deadline = asyncio.get_running_loop().time() + wait_s
    while not bot.updates and not poll.ended.is_set():
        left_s = deadline - asyncio.get_running_loop().time()
        if left_s <= 0:
            return
        bot.arrived.clear()
        waits = [asyncio.create_task(bot.arrived.wait()), asyncio.create_task(poll.ended.wait())]
        try:
            await asyncio.wait(waits, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
