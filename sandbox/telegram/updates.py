"""getUpdates as it really is: confirmed by offset, long, and ended by a newer call.

Reference: Bot API, Getting updates.
"""

import asyncio
import time
from typing import Any, Final

from sandbox.telegram.model import ApiCall, ApiError, Bot, Json, Poll

LONGEST_WAIT_S: Final = 50
LARGEST_BATCH: Final = 100
# An offset further beyond the newest update than this is ignored, as Telegram's server does.
FAR_OFFSET: Final = 10
# Telegram's server answers the same offset more slowly when it is asked for too often.
SAME_OFFSET_S: Final = 0.5
SAME_OFFSET_SHORT_S: Final = 3.0

CONFLICTS: Final = {
    "replaced": "Conflict: terminated by other getUpdates request; make sure that only one bot "
    "instance is running",
    "webhook": "Conflict: terminated by setWebhook request",
}
WEBHOOK_ACTIVE: Final = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete "
    "the webhook first"
)


async def get_updates(call: ApiCall, *, is_throttled: bool) -> list[Json]:
    """Answer one getUpdates call."""
    bot = call.bot
    if bot.webhook_url:
        raise ApiError(409, WEBHOOK_ACTIVE)
    if (kinds := call.decoded("allowed_updates")) is not None:
        bot.kinds = frozenset(kinds) or None
    limit = min(max(call.integer("limit", LARGEST_BATCH), 1), LARGEST_BATCH)
    wait_s = min(max(call.integer("timeout"), 0), LONGEST_WAIT_S)
    offset = call.integer("offset")
    if is_throttled:
        limit, wait_s = _throttled(bot, offset, limit, wait_s)
    confirm(bot, offset)
    await _until_something(bot, wait_s)
    return bot.updates[:limit]


def confirm(bot: Bot, offset: int) -> None:
    """Forget the updates below an offset; a negative one counts from the end."""
    if offset < 0:
        offset = bot.updates[offset]["update_id"] if len(bot.updates) >= -offset else 0
    if offset <= 0 or offset > bot.next_update_id + FAR_OFFSET:
        return
    old = [update["update_id"] for update in bot.updates if update["update_id"] < offset]
    if old:
        bot.confirmed += old
        del bot.updates[: len(old)]


def add_update(bot: Bot, kind: str, content: Any) -> int | None:
    """Queue an update, if the bot asked for its kind; return its id."""
    return queue(bot, {kind: content}) if bot.wants(kind) else None


def queue(bot: Bot, update: Json) -> int:
    """Queue an update as it is; return its id."""
    update_id = bot.next_update_id
    bot.next_update_id += 1
    bot.updates.append({"update_id": update_id, **update})
    if bot.poll is not None:
        bot.poll.end("updates")
    return update_id


def _throttled(bot: Bot, offset: int, limit: int, wait_s: int) -> tuple[int, int]:
    """Limit and patience for somebody who asks for the same offset again and again."""
    last_offset, last_at = bot.last_poll
    now = time.monotonic()
    bot.last_poll = offset, now
    if offset != last_offset:
        return limit, wait_s
    if now - last_at < SAME_OFFSET_SHORT_S and wait_s < SAME_OFFSET_SHORT_S:
        wait_s = int(SAME_OFFSET_SHORT_S)
    return (1 if now - last_at < SAME_OFFSET_S else limit), wait_s


async def _until_something(bot: Bot, wait_s: int) -> None:
    """End an older call; wait for an update, for a newer call, or for the time to pass."""
    if bot.poll is not None:
        bot.poll.end("replaced")
        bot.poll = None
    if bot.updates or not wait_s:
        return
    bot.poll = poll = Poll(asyncio.get_running_loop().create_future())
    try:
        async with asyncio.timeout(wait_s):
            reason = await poll.ended
    except TimeoutError:
        return
    finally:
        if bot.poll is poll:
            bot.poll = None
    if reason in CONFLICTS:
        raise ApiError(409, CONFLICTS[reason])
