"""Refusals in the log: the first at once, then one line a minute, however many there are.

Anybody can send what has to be refused; nobody shall fill the disk with it.
"""

import asyncio
import logging

EVERY_S = 60.0
MAX_KINDS = 50
"""So many kinds are told apart at a time; further ones are counted as one."""

OTHERS = "other requests refused"

Kind = tuple[str, int | None]
"""What was refused, and which bot it concerned."""


class Refusals:
    """Writes warnings about what strangers send.

    Args:
        log: where they are written.
        every_s: how often one kind is written at most.
    """

    def __init__(self, log: logging.Logger, *, every_s: float = EVERY_S) -> None:
        self._log = log
        self._every_s = every_s
        self._repeated: dict[Kind, int] = {}

    def warn(self, text: str, *, bot: int | None = None) -> None:
        """Write a warning, or count it where the same was written within the minute."""
        kind = (text, bot)
        if kind not in self._repeated and len(self._repeated) >= MAX_KINDS:
            kind = (OTHERS, None)
        if kind in self._repeated:
            self._repeated[kind] += 1
            return
        self._write(kind, kind[0])
        self._begin(kind)

    def _begin(self, kind: Kind) -> None:
        self._repeated[kind] = 0
        asyncio.get_running_loop().call_later(self._every_s, self._sum_up, kind)

    def _sum_up(self, kind: Kind) -> None:
        repeated = self._repeated.pop(kind)
        if not repeated:
            return
        times = "once more" if repeated == 1 else f"{repeated} more times"
        self._write(kind, f"{kind[0]}: {times} within the last {self._every_s:.0f} s")
        self._begin(kind)

    def _write(self, kind: Kind, text: str) -> None:
        _text, bot = kind
        self._log.warning("%s", text, extra={} if bot is None else {"bot": bot})
