"""The patience with a message that Kommo does not know yet.

A status, an edit or a reaction can overtake its message, and a router's 404 looks like Kommo's.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from kommo.standing import Standing

REMEMBERED = 1000
"""How many messages to remember the last answer for."""


@dataclass(frozen=True)
class UnknownPatience:
    """How long a 404 about a message is not final.

    Args:
        whole_s: whatever else happens.
        beside_s: while Kommo takes other calls.
        aside_s: what waits behind it in its conversation; then it steps aside.
    """

    whole_s: float = 600.0
    beside_s: float = 120.0
    aside_s: float = 5.0


PATIENCE = UnknownPatience()


class UnknownMessages:
    """Remembers since when Kommo has not known the message that an item is about.

    Args:
        standing: tells when Kommo took a call last.
        patience: how long a 404 is not final.
        now_s: the clock that only goes forward, which `standing` goes by too.
    """

    def __init__(
        self,
        standing: Standing,
        patience: UnknownPatience = PATIENCE,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._standing = standing
        self._patience = patience
        self._now_s = now_s
        self._since: dict[int, float] = {}
        self._newest: OrderedDict[str, int] = OrderedDict()

    def waited_s(self, item_id: int) -> float:
        """Return for how long Kommo has said so, and begin to count with the first time."""
        now = self._now_s()
        horizon = now - 2 * self._patience.whole_s
        self._since = {one: at for one, at in self._since.items() if at > horizon}
        return now - self._since.setdefault(item_id, now)

    def steps_aside(self, item_id: int) -> bool:
        """Tell whether its conversation has waited for it long enough."""
        return self.waited_s(item_id) >= self._patience.aside_s

    def note_told(self, about: str, item_id: int) -> None:
        """Note that Kommo took what an item says about a message."""
        self._newest[about] = max(item_id, self._newest.pop(about, 0))
        while len(self._newest) > REMEMBERED:
            self._newest.popitem(last=False)

    def is_outdated(self, about: str, item_id: int) -> bool:
        """Tell whether Kommo took something newer about the same message meanwhile."""
        return self._newest.get(about, 0) > item_id

    def wants_proof(self, item_id: int) -> bool:
        """Tell whether it would be final if Kommo took another call now."""
        return self.waited_s(item_id) >= self._patience.beside_s and not self.is_final(item_id)

    def is_final(self, item_id: int) -> bool:
        """Tell whether Kommo will never know the message."""
        waited_s = self.waited_s(item_id)
        taken_s = self._standing.taken_at - self._since[item_id]
        return waited_s >= self._patience.whole_s or taken_s >= self._patience.beside_s
