"""Handle sends of unknown outcome: Telegram has no idempotency key.

It is sent once more, and not before Telegram answers again; after that a person decides. So a
client sees it twice at the worst, and the manager knows when it may not have arrived.
"""

import logging
from dataclasses import replace

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.methods import GetMe

from bot.queue.items import Kind, name_of
from bot.queue.outcomes import Outcome, RetryLater, Undeliverable
from bot.translate.outgoing import refusals
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

PAUSE_S = 2.0
"""How long to wait before a message is sent once more."""

PROBE = aiohttp.ClientTimeout(total=10, connect=5, sock_connect=5)

REPEATABLE = (Kind.BUTTON_PRESS, Kind.MANAGER_REACTION)
"""Doing these twice is the same as doing them once."""

log = logging.getLogger(__name__)


def weighed(item: QueueItem, outcome: Outcome) -> Outcome:
    """Return what follows from an attempt, given what is known of the earlier ones (pure)."""
    if not isinstance(outcome, RetryLater) or item.kind in REPEATABLE:
        return outcome
    verdict = refusals.MAY_HAVE_ARRIVED
    if outcome.is_unknown and item.unknowns:
        reason = f"{outcome.reason}; it was sent twice, and may have arrived"
        return Undeliverable(reason, code=verdict.code, text=verdict.text)
    if outcome.is_unknown:
        reason = f"{outcome.reason}; it may have arrived, and is sent once more"
        pause_s = max(outcome.after_s or 0.0, PAUSE_S)
        outcome = replace(outcome, reason=reason, after_s=pause_s)
    if outcome.is_unknown or item.unknowns:
        return replace(outcome, code=verdict.code, text=verdict.text)
    return outcome


async def still_down(bot: Bot, item: QueueItem) -> RetryLater | None:
    """Ask Telegram something harmless before a message is sent once more.

    Returns:
        why it is not sent yet; None when it may be.
    """
    if item.kind in REPEATABLE or not item.is_uncertain:
        return None
    if item.unknowns:
        try:
            await bot(GetMe(), request_timeout=PROBE)  # type: ignore[arg-type]
        except AiogramError as error:
            return RetryLater(f"Telegram does not answer yet ({type(error).__name__})")
    log.warning(
        "sent again after an attempt of unknown outcome: a possible duplicate",
        extra={
            "item": name_of(Direction.OUTGOING, item.id),
            "conversation": item.conversation_id,
            "attempt": item.attempts,
        },
    )
    return None
