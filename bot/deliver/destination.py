"""The interface of a destination, and the parts that only some destinations have."""

from collections.abc import Sequence
from typing import Protocol

from bot.deliver.chances import Held
from bot.deliver.fairness import Room
from bot.queue.outcomes import Delivered, Outcome, Undeliverable
from storage.database import Transaction
from storage.queue.reader import QueueItem


class Destination(Protocol):
    """One side that items are delivered to."""

    @property
    def name(self) -> str:
        """Name the destination for logs: Kommo, Telegram."""
        ...

    async def send(self, item: QueueItem) -> Outcome:
        """Make one attempt."""
        ...

    async def settle(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store what follows from the end of an item, in the transaction that ends it."""
        ...


class Gate:
    """Decides what may begin now. This one is open; what has limits closes it."""

    def room(self, lane: str) -> Room:
        """Return how much of a lane may begin now."""
        return Room(lane)

    def wait_s(self, item: QueueItem) -> float:
        """Return how long an item has to wait for its own sake; 0 for not at all."""
        return 0.0

    def holds(self, lane: str) -> bool:
        """Tell whether the other side asked that nothing of a lane begin."""
        return False

    def held(self, item: QueueItem) -> Held | None:
        """Tell whether, and for how long, the other side asked that an item not begin."""
        return None

    def begin(self, item: QueueItem) -> None:
        """Count an item that begins."""


class Unrecorded:
    """What a destination took, until the database has it. This one keeps nothing.

    A destination that recognises repetitions needs no more.
    """

    def stop(self) -> None:
        """Stop starting attempts."""

    async def left_over(self) -> Sequence[tuple[QueueItem, Delivered]]:
        """Return what an earlier process delivered without recording it."""
        return ()

    def forget_left_over(self) -> None:
        """Learn that all of it is recorded."""

    def recorded(self, item: QueueItem) -> None:
        """Learn that the outcome of an attempt is recorded, and on disk."""

    def waited_s(self, item: QueueItem) -> float:
        """Return how long an attempt only waited; asked once."""
        return 0.0


OPEN, KEEPS_NOTHING = Gate(), Unrecorded()
