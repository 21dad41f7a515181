"""Webhooks that wait while what was missed before them is read."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from storage.database import Database, Transaction
from storage.patience import persist


class Holds:
    """Says which conversations' webhooks wait, and lets them go on.

    Args:
        database: where they wait.
        hold_s: how long each of them waits at most.
        now: the clock.
    """

    def __init__(self, database: Database, *, hold_s: float, now: Callable[[], datetime]) -> None:
        self._database = database
        self._hold = timedelta(seconds=hold_s)
        self._now = now
        self._losses = count(1)
        self._loss_of: dict[str, int] = {}
        self._asked: set[str] = set()

    def begin(self, name: str) -> None:
        """Have webhooks of a conversation wait until a look that begins from now on is over."""
        self._loss_of[name] = next(self._losses)

    def until(self, name: str) -> datetime | None:
        """Return the moment until which to hold a webhook back, or None.

        To be asked in the transaction that stores the webhook.
        """
        if name not in self._loss_of:
            return None
        self._asked.add(name)
        return self._now() + self._hold

    def loss_of(self, name: str) -> int | None:
        """Return what a look that begins now is about; None when nothing waits for it."""
        return self._loss_of.get(name)

    async def release(self, name: str, loss: int | None) -> None:
        """Let the webhooks go on that wait for a conversation, and hold no more of them.

        Args:
            name: the conversation.
            loss: what was known to be lost when the look began; what was lost since is not over.
        """
        while loss is not None and self._loss_of.get(name) == loss:
            self._asked.discard(name)
            await persist(self._database, partial(self.let_go, name=name, loss=loss))
            if name not in self._asked and self._loss_of.get(name) == loss:
                del self._loss_of[name]

    async def let_go(self, tx: Transaction, *, name: str, loss: int | None) -> None:
        """Let what waits go on; a transaction may be undone, so nothing else changes here."""
        if self._loss_of.get(name) == loss:
            await tx.to_telegram.go_on(name, now=tx.now)
