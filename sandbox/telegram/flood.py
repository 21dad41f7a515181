"""Rate limits for bots. Reference: Telegram's FAQ for bots, limits on sending.

Off by default: the real limits are adaptive, and these are the ones that are written down.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.telegram.model import ApiCall, ApiError


@dataclass
class Bucket:
    """What may still be sent: refilled with time, up to a burst."""

    burst: float
    per_s: float
    left: float
    at: float

    def wait_s(self, now: float) -> float:
        """How long until one more may be sent; 0 for now."""
        self.left = min(self.burst, self.left + (now - self.at) * self.per_s)
        self.at = now
        return 0.0 if self.left >= 1 else (1 - self.left) / self.per_s


@dataclass
class FloodLimit:
    """Answers 429 to a bot that sends too fast, to one chat or altogether.

    Args:
        refused: how many calls were refused.
        clock: monotonic seconds.
    """

    chat_burst: int = 5
    chat_per_s: float = 1.0
    bot_burst: int = 30
    bot_per_s: float = 30.0
    refused: int = 0
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[int, str], Bucket] = field(default_factory=dict)

    def check(self, call: ApiCall) -> None:
        """Count a call that sends; refuse it with the pause it should make."""
        if not call.method.startswith("send") or call.method == "sendChatAction":
            return
        now = self.clock()
        buckets = (
            self._bucket(call.bot.id, call.text("chat_id"), self.chat_burst, self.chat_per_s, now),
            self._bucket(call.bot.id, "", self.bot_burst, self.bot_per_s, now),
        )
        wait_s = math.ceil(max(bucket.wait_s(now) for bucket in buckets))
        if wait_s:
            self.refused += 1
            description = f"Too Many Requests: retry after {wait_s}"
            raise ApiError(429, description, {"retry_after": wait_s})
        for bucket in buckets:
            bucket.left -= 1

    def _bucket(self, bot_id: int, chat: str, burst: int, per_s: float, now: float) -> Bucket:
        return self._buckets.setdefault((bot_id, chat), Bucket(burst, per_s, burst, now))
