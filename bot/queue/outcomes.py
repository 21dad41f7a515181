"""Delivery outcomes and the retry policy (pure)."""

from dataclasses import dataclass

LONGEST_ASKED_S = 24 * 3600.0
"""The longest wait that the other side can impose; a larger Retry-After is a mistake of theirs."""

FAILS_ALONE = "fails again and again while others are delivered"
"""Begins the reason of an item that was given up early, as the trouble seems to be its own."""


@dataclass(frozen=True)
class Delivered:
    """The other side took it."""

    remote_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetryLater:
    """Nothing final: try again.

    Args:
        reason: what happened, for logs and for the operator.
        after_s: the least wait in seconds, when the other side named one.
        is_uncertain: whether the attempt may have been carried out all the same.
        is_unknown: whether nothing came back that says so or otherwise; then it is uncertain too.
        is_suspect: whether the item itself may be the reason, though nobody says so.
        code: the delivery status code, 901 to 905, in case this was the last attempt.
        text: what the manager reads in that case.
    """

    reason: str
    after_s: float | None = None
    is_uncertain: bool = False
    is_unknown: bool = False
    is_suspect: bool = False
    code: int | None = None
    text: str | None = None


@dataclass(frozen=True)
class Undeliverable:
    """Final: it will not be tried again, a person is told.

    Args:
        reason: what happened, for logs and for the operator.
        code: the delivery status code, 901 to 905, if the sender is told.
        text: what the manager reads.
    """

    reason: str
    code: int | None = None
    text: str | None = None


@dataclass(frozen=True)
class NotYet:
    """The rest was not tried: it would have come too soon. No attempt is counted.

    Args:
        after_s: how long to wait in seconds.
    """

    after_s: float


Outcome = Delivered | RetryLater | Undeliverable | NotYet


@dataclass(frozen=True)
class RetryPolicy:
    """Growing pauses between attempts, spread out so that items do not come back all at once.

    Args:
        first_s: the pause after the first attempt.
        factor: by how much each pause is longer than the one before.
        longest_s: no pause is longer, but for its jitter.
        jitter: up to this share is added at random, 0.2 for a fifth.
    """

    first_s: float = 1.0
    factor: float = 2.0
    longest_s: float = 300.0
    jitter: float = 0.2

    def delay_s(self, attempt: int, after_s: float | None, random: float) -> float:
        """Return the pause before the next attempt.

        Args:
            attempt: how many attempts were made, from 1.
            after_s: a wait that the other side asked for: never less, but for absurd ones.
            random: a number from 0 to 1 that spreads the pauses.
        """
        pause_s = max(self._pause_s(attempt), min(after_s or 0.0, LONGEST_ASKED_S))
        return pause_s * (1 + self.jitter * random)

    def _pause_s(self, attempt: int) -> float:
        try:
            return min(self.first_s * self.factor ** (attempt - 1), self.longest_s)
        except OverflowError:
            return self.longest_s
