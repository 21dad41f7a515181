"""Rate limits of a bot: to one chat, altogether, and while it must be silent.

Nothing waits here: what comes too soon is told how long it has to wait, and waits in the queue.
Reference: Telegram's FAQ for bots (about 1 message a second to one chat with short bursts, 20 a
minute to a group, about 30 a second in all); Bot API, ResponseParameters (retry_after).
"""

from collections.abc import Callable
from dataclasses import dataclass

CHAT_BURST = 20
"""The burst that a private chat takes; Telegram names no number, and says when it is too much."""

GROUP_BURST, GROUP_SHARE = 5, 1 / 3
"""Groups take a third of what private chats do: 20 messages a minute."""

BOT_BURST_S = 1 / 3
"""What a bot may send at once: what a third of a second allows."""

FLOOD_S = 2.0
"""Floods in several chats within this time are the bot's, not the chats'."""

STRICT_S = 600.0
"""How long a chat has no bursts after Telegram asked to slow down."""

STREAK_S = 10.0
"""A flood so soon after the last one is the same one."""

MAX_CHATS = 10_000
"""Of more chats than this, those that have long been quiet are forgotten."""

NEVER = float("-inf")


class Allowance:
    """Spreads calls over time: a burst at once, then a number per second. All moments are seconds.

    Args:
        per_s: how many a second; 0 for no limit.
        burst: how many at once.
    """

    def __init__(self, per_s: float, burst: float) -> None:
        self._interval_s = 1 / per_s if per_s > 0 else 0.0
        self._burst = max(burst, 1.0)
        self._next = NEVER

    def wait_s(self, now: float, *, burst: float | None = None) -> float:
        """Return how long to wait before the next call; 0 for not at all."""
        ahead_s = (min(burst or self._burst, self._burst) - 1) * self._interval_s
        return max(self._next - ahead_s - now, 0.0)

    def free(self, now: float) -> int | None:
        """Return how many calls may be made at once; None for any number."""
        if not self._interval_s:
            return None
        debt_s = max(self._next - now, 0.0)
        return max(int(self._burst - debt_s / self._interval_s + 1e-9), 0)

    def spend(self, now: float) -> None:
        """Count one call, whether it came in time or not."""
        self._next = max(self._next, now) + self._interval_s

    def close(self, until: float) -> None:
        """Let the next call be made at a moment, and forget what was spent before."""
        self._next = until

    def is_full(self, now: float) -> bool:
        """Tell whether all of the burst is there again."""
        return self._next <= now


@dataclass(frozen=True)
class Limits:
    """How many messages a second; 0 for no limit."""

    bot_per_s: float = 30.0
    chat_per_s: float = 1.0


class Rates:
    """What one bot may do.

    Args:
        limits: how much that is.
        clock: monotonic seconds.
    """

    def __init__(self, limits: Limits, *, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._all = Allowance(limits.bot_per_s, limits.bot_per_s * BOT_BURST_S)
        self._chats: dict[int, Allowance] = {}
        self._flooded: dict[int, float] = {}
        self._frozen_until = NEVER
        self._floods: dict[int | None, tuple[float, float]] = {}

    def free(self) -> int | None:
        """Return how many calls the bot may make at once; None for any number."""
        return 0 if self.frozen_s() else self._all.free(self._clock())

    def opens_in_s(self) -> float:
        """Return how long it takes until the bot may make one more call."""
        return max(self.frozen_s(), self._all.wait_s(self._clock()))

    def frozen_s(self) -> float:
        """Return how long the whole bot must not send; 0 when it may."""
        return max(self._frozen_until - self._clock(), 0.0)

    def wait_s(self, chat_id: int) -> float:
        """Return how long the next message to a chat has to wait for the chat's own sake."""
        now = self._clock()
        is_strict = now - self._flooded.get(chat_id, NEVER) < STRICT_S
        return self._chat(chat_id, now).wait_s(now, burst=1 if is_strict else None)

    def spend(self, chat_id: int) -> None:
        """Count one message to a chat."""
        now = self._clock()
        self._all.spend(now)
        self._chat(chat_id, now).spend(now)

    def flooded(self, chat_id: int, retry_after_s: float) -> bool:
        """Note that Telegram asked to slow down; tell whether the whole bot has to.

        The chat's own messages wait behind the refused one, and then come one by one.
        """
        now = self._clock()
        self._flooded = {chat: at for chat, at in self._flooded.items() if now - at < STRICT_S}
        others = (at for chat, at in self._flooded.items() if chat != chat_id)
        is_everywhere = any(now - at <= FLOOD_S for at in others)
        self._flooded[chat_id] = now
        self._chat(chat_id, now).close(now + retry_after_s)
        self._note_flood(chat_id, retry_after_s)
        if is_everywhere:
            self._frozen_until = max(self._frozen_until, now + retry_after_s)
            self._note_flood(None, retry_after_s)
        return is_everywhere

    def flood_s(self, chat_id: int) -> float:
        """Return how long in all a chat, or the whole bot, is silent; 0 when it need not be."""
        now = self._clock()
        floods = (self._floods.get(key, (now, NEVER)) for key in (None, chat_id))
        return max((until - since for since, until in floods if until > now), default=0.0)

    def _note_flood(self, key: int | None, retry_after_s: float) -> None:
        """Let a flood begin, or last longer."""
        now = self._clock()
        self._floods = {
            key: (since, until)
            for key, (since, until) in self._floods.items()
            if until + STREAK_S > now
        }
        since, until = self._floods.get(key, (now, NEVER))
        self._floods[key] = since, max(until, now + retry_after_s)

    def _chat(self, chat_id: int, now: float) -> Allowance:
        if chat_id not in self._chats:
            if len(self._chats) >= MAX_CHATS:
                busy = ((id_, one) for id_, one in self._chats.items() if not one.is_full(now))
                self._chats = dict(busy)
            is_group = chat_id < 0
            per_s = self._limits.chat_per_s * (GROUP_SHARE if is_group else 1)
            self._chats[chat_id] = Allowance(per_s, GROUP_BURST if is_group else CHAT_BURST)
        return self._chats[chat_id]
