"""When a failed item is tried again, and when it is given up."""

import random
from dataclasses import dataclass, field
from datetime import datetime

from bot.deliver.chances import Chance, Chances, look_after_s
from bot.deliver.destination import OPEN, Gate
from bot.deliver.poison import Poison, Suspects
from bot.queue.outcomes import (
    FAILS_ALONE,
    Delivered,
    RetryLater,
    RetryPolicy,
    Undeliverable,
)
from bot.words import counted
from storage.queue.reader import QueueItem


@dataclass(frozen=True)
class Rules:
    """How items of one direction are retried.

    Args:
        policy: the pauses between attempts.
        chance: what an item has coming before it is given up.
        poison: what makes an item one that fails alone.
    """

    policy: RetryPolicy = field(default_factory=RetryPolicy)
    chance: Chance = field(default_factory=Chance)
    poison: Poison = field(default_factory=Poison)


class Retries:
    """Decides what follows a failure, by rules and by what it remembers of the items.

    Args:
        rules: how items are retried.
        gate: tells what the other side holds back.
    """

    def __init__(self, rules: Rules, *, gate: Gate = OPEN) -> None:
        self._policy = rules.policy
        self._chances = Chances(rules.chance)
        self._suspects = Suspects(rules.poison)
        self._gate = gate

    def begin_anew(self) -> None:
        """Learn that nothing could be tried until now."""
        self._chances.begin_anew()

    def end_untried(self, item: QueueItem, now: datetime) -> Undeliverable | None:
        """Return the end of an item that the other side holds back beyond its time."""
        held = self._gate.held(item)
        if held is None or not self._chances.is_over_untried(item, held, now=now):
            return None
        reason = f"gave up: {held.outcome.reason} for {held.span_s:.0f} s"
        return Undeliverable(reason, code=held.outcome.code, text=held.outcome.text)

    def end_of(self, item: QueueItem, last: RetryLater, now: datetime) -> Undeliverable | None:
        """Count a failure; return the end of its item if that was the last attempt."""
        self._chances.failed(item)
        if last.is_suspect and self._suspects.failed(item):
            reason = f"{FAILS_ALONE}: {last.reason}"
            return Undeliverable(reason, code=last.code, text=last.text)
        if self._chances.is_over(item, now=now):
            reason = f"gave up after {counted(item.attempts, 'attempt')}: {last.reason}"
            return Undeliverable(reason, code=last.code, text=last.text)
        return None

    def pause_s(self, item: QueueItem, last: RetryLater, now: datetime) -> float:
        """Return how long to wait before the next attempt."""
        jitter = random.random()  # noqa: S311 - no secret
        pause_s = self._policy.delay_s(item.attempts, last.after_s, jitter)
        if self._gate.held(item) is None:
            return pause_s
        return look_after_s(item, pause_s, now=now)

    def ended(self, item: QueueItem, outcome: Delivered | Undeliverable) -> None:
        """Forget an item, and learn that the other side takes such items."""
        self._chances.ended(item)
        self._suspects.ended(item)
        if isinstance(outcome, Delivered):
            self._suspects.delivered(item)
