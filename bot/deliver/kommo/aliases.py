"""Try the aliases of a conversation: the newer ones first, then the usual one."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot.translate.aliases import Alias
from kommo.errors import RejectedError

BAD_REQUEST, FORBIDDEN, NOT_FOUND = 400, 403, 404

T = TypeVar("T")

log = logging.getLogger(__name__)


async def first_accepted(
    aliases: Sequence[Alias], attempt: Callable[[Alias], Awaitable[T]], *unknown: int
) -> T:
    """Return what the first alias led to that Kommo took; the last one's refusal is final.

    Args:
        aliases: in order; the usual one is the last.
        attempt: makes the call under an alias.
        unknown: the statuses by which Kommo refuses one that it does not know.

    Raises:
        RejectedError: the last one was refused, or it was not the alias.
    """
    *newer, usual = aliases
    for alias in newer:
        try:
            return await attempt(alias)
        except RejectedError as error:
            if not is_of_message(error, *unknown):
                raise
            log.info("refused under the alias %s: %s", alias.conversation_id, error)
    return await attempt(usual)


def is_of_message(error: RejectedError, *statuses: int) -> bool:
    """Tell whether Kommo refused what was sent, and neither the channel nor a router refused."""
    is_routers = error.status == NOT_FOUND and not error.is_kommos
    return error.status in statuses and not error.is_about_channel and not is_routers
