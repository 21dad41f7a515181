"""Decide whether a refusal concerns one message or all of its side."""

from collections import Counter

from bot.imports.errors import RefusedError
from bot.imports.kommo import Refused
from bot.imports.lane import Result
from bot.imports.plan import Side
from kommo.models import NewMessage

TRIALS, ROW = 3, 25
"""So many refused messages of a side in a row, at its beginning or later, speak for all of it."""


class Verdict:
    """Watches what Kommo takes and refuses of clients and of the company.

    What is refused before anything of its side was taken is held back: it is recorded once it is
    known to be the messages' own fault.
    """

    def __init__(self) -> None:
        self._proven: set[Side] = set()
        self._in_a_row: Counter[Side] = Counter()
        self._held: list[tuple[Side, Result]] = []

    def taken(self, side: Side) -> list[Result]:
        """Learn that Kommo took a message; return what was held back and is to be recorded."""
        self._in_a_row[side] = 0
        self._proven.add(side)
        released = [result for one, result in self._held if one == side]
        self._held = [held for held in self._held if held[0] != side]
        return released

    def refused(self, side: Side, message: NewMessage, why: Refused) -> list[Result]:
        """Learn that Kommo refused a message; return what is to be recorded.

        Raises:
            RefusedError: it seems to refuse everything of this side.
        """
        self._in_a_row[side] += 1
        limit = ROW if side in self._proven else TRIALS
        if self._in_a_row[side] >= limit:
            raise _for_all(side, limit, why.reason)
        if side in self._proven:
            return [(message, why)]
        self._held.append((side, (message, why)))
        return []

    def rest(self) -> list[Result]:
        """Return what is still held back at the end."""
        return [result for _side, result in self._held]


def _for_all(side: Side, count: int, reason: str) -> RefusedError:
    who = "clients" if side == "client" else "the company"
    return RefusedError(
        f"Kommo refuses {count} messages of {who} in a row: {reason}; nothing more was tried; "
        "see: kommo-telegram check; then give the same command again: it goes on where it stopped"
    )
