"""Records for the page: all of them to a new browser, then the changes."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]
Records: TypeAlias = Mapping[str, Json]

PAUSE_S: Final = 0.08
"""At least so long between two looks: a browser shows no more pictures than that."""

IDLE_S: Final = 0.5
"""At most so long: some things change without a request."""

log = logging.getLogger(__name__)


class Feed:
    """Compares what the servers have with what browsers were told.

    A record's key is its group, a slash, and its id in the group.

    Args:
        look: returns all records as they are now.
    """

    def __init__(self, look: Callable[[], Records]) -> None:
        self._look = look
        self._records: Records = {}
        self._changed = asyncio.Event()
        self._browsers: set[asyncio.Queue[str]] = set()

    def poke(self) -> None:
        """Say that something may have changed."""
        self._changed.set()

    @contextmanager
    def subscribed(self) -> Iterator[asyncio.Queue[str]]:
        """Yield a queue of messages; the first one tells everything."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self.refresh()
        queue.put_nowait(_dump({"all": dict(self._records)}))
        self._browsers.add(queue)
        try:
            yield queue
        finally:
            self._browsers.discard(queue)

    def refresh(self) -> None:
        """Look now, and tell the browsers what is different."""
        before = self._records
        try:
            self._records = self._look()
        except Exception:  # the next look may succeed; this one must not end the stream
            log.exception("the page could not look at the servers")
        told = changes(before, self._records)
        if told and self._browsers:
            message = _dump(told)
            for queue in self._browsers:
                queue.put_nowait(message)

    async def run(self) -> None:
        """Look again and again, for as long as anybody watches."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), IDLE_S)
            self._changed.clear()
            if self._browsers:
                self.refresh()
            await asyncio.sleep(PAUSE_S)


def changes(before: Records, after: Records) -> Json:
    """Return what is new or different, and what is gone; nothing where all is the same."""
    new = {key: record for key, record in after.items() if before.get(key) != record}
    gone = [key for key in before if key not in after]
    return {**({"set": new} if new else {}), **({"gone": gone} if gone else {})}


def _dump(content: Json) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
