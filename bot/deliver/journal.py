"""The sends that Telegram answered and whose record is not committed yet.

Each is one line that the operating system has at once, so that a kill does not make it forgotten,
and the next send need not wait for the disk. See decision 0003.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from storage.messages import SentPart
from storage.queue_reader import QueueItem

MOST = 8
"""So many sends may be without a committed record: what a power cut may repeat at most."""

OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Sent:
    """One send: of which attempt of which item, and what it sent."""

    item_id: int
    attempt: int
    dedupe_key: str
    part: SentPart | None

    def is_of(self, item: QueueItem | None) -> bool:
        """Tell whether this ends an item: it is the same, and was not tried since."""
        return (
            item is not None
            and item.state == "pending"
            and (item.dedupe_key, item.attempts) == (self.dedupe_key, self.attempt)
        )


class Journal:
    """A file with a line for each send, emptied whenever all of them are recorded."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._open: set[int] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Journal"]:
        """Open the file until the block is left; what is in it stays until `clear`."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, OWNER_ONLY)
        try:
            yield cls(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> list[Sent]:
        """Return what an earlier process left; a line that was not written whole is left out."""
        content = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        found = (_sent(line) for line in content.splitlines())
        return [sent for sent in found if sent is not None]

    def clear(self) -> None:
        """Forget what an earlier process left."""
        os.ftruncate(self._descriptor, 0)

    def note(self, item: QueueItem, part: SentPart | None) -> bool:
        """Write a send down; False when its record has to be waited for."""
        if len(self._open) >= MOST:
            return False
        line = json.dumps([item.id, item.attempts, item.dedupe_key, _fields(part)]) + "\n"
        try:
            os.write(self._descriptor, line.encode())
        except OSError:  # no space: the record is the one place left
            return False
        self._open.add(item.id)
        return True

    def recorded(self, item: QueueItem) -> None:
        """Note that a send is recorded, and on disk."""
        if item.id in self._open:
            self._open.remove(item.id)
            if not self._open:
                os.ftruncate(self._descriptor, 0)


def _fields(part: SentPart | None) -> dict[str, object] | None:
    return None if part is None else {**asdict(part), "at": part.at.isoformat()}


def _sent(line: bytes) -> Sent | None:
    try:
        item_id, attempt, dedupe_key, fields = json.loads(line)
        part = (
            SentPart(**{**fields, "at": datetime.fromisoformat(fields["at"])}) if fields else None
        )
    except (ValueError, TypeError, KeyError):
        return None
    return Sent(item_id, attempt, dedupe_key, part)
