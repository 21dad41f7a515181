"""The conversations that have to be read, and their order."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime


@dataclass
class Duty:
    """A conversation to be read.

    Args:
        missed_since: since when its webhooks may be missing; None when nothing is known of that.
        lost_until: webhooks of what was written until then are lost, and not waited for.
        not_before: by the event loop's clock.
        failures: how often in a row it could not be read.
    """

    missed_since: datetime | None
    lost_until: datetime
    not_before: float = 0.0
    failures: int = 0


class Duties:
    """Holds what is to be read; wakes who reads it."""

    def __init__(self) -> None:
        self._duties: dict[str, Duty] = {}
        self._urgent: dict[str, None] = {}
        self._unreached: dict[str, Duty] = {}
        self._woken = asyncio.Event()

    def put(self, name: str, duty: Duty) -> None:
        """Have a conversation read, from the earliest moment that anybody asked for."""
        for known in (self._duties.get(name), self._unreached.pop(name, None)):
            if known is not None:
                duty = _merged(known, duty)
        self._duties[name] = duty
        self._woken.set()

    def again(self, name: str, duty: Duty, after_s: float) -> None:
        """Have a conversation read once more, later."""
        duty.not_before = asyncio.get_running_loop().time() + after_s
        self.put(name, duty)

    def hurry(self, name: str) -> None:
        """Have a conversation read next: a webhook waits for it."""
        self._urgent[name] = None
        self._woken.set()

    def put_off(self, name: str, duty: Duty) -> None:
        """Keep a conversation that cannot be read before Kommo has something of it."""
        self._unreached[name] = duty

    @property
    def unreached(self) -> Collection[str]:
        """Return the conversations of which nothing is known to have reached Kommo."""
        return self._unreached.keys()

    def arrived(self, name: str) -> None:
        """Have a conversation read of which something has reached Kommo, or never will."""
        self.again(name, self._unreached.pop(name), 0.0)

    def take(self) -> tuple[str, Duty] | None:
        """Take what is to be read now: where a webhook waits, else what waits longest."""
        name = self._next()
        return None if name is None else (name, self._duties.pop(name))

    async def wait(self, within_s: float) -> None:
        """Wait until something is put here, or for as long as told."""
        self._woken.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._woken.wait()
        except TimeoutError:
            return

    def _next(self) -> str | None:
        time = asyncio.get_running_loop().time()
        while self._urgent:
            name = next(iter(self._urgent))
            del self._urgent[name]
            if name in self._duties:
                return name
        due = (name for name, duty in self._duties.items() if duty.not_before <= time)
        return next(due, None)


def _merged(one: Duty, other: Duty) -> Duty:
    """Return a duty that fulfils both."""
    moments = [duty.missed_since for duty in (one, other) if duty.missed_since]
    return Duty(
        missed_since=min(moments, default=None),
        lost_until=max(one.lost_until, other.lost_until),
        not_before=min(one.not_before, other.not_before),
        failures=one.failures,
    )
