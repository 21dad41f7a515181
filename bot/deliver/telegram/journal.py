"""The sends to Telegram that the database does not know of yet: what was begun, what was taken.

A line before each call, and one after it. The operating system has each line at once, so that a
kill forgets none of them, and the next send need not wait for the disk. See decision 0003.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from bot.errors import BridgeError
from storage.message_reader import SentPart
from storage.queue.reader import QueueItem
from storage.reasons import WRITABLE, reason

MOST = 8
"""The most sends that may have ended without a committed record; beyond it none begins."""

COMPACT_BYTES = 64 << 10
"""A file of this size is written anew with what is open; it is mostly emptied long before."""

OWNER_ONLY = 0o600

Word = Literal["begun", "taken", "refused"]


@dataclass(frozen=True)
class Step:
    """One call of one attempt.

    Args:
        number: which call of its item, from 1; 0 when an older version wrote it down.
        is_last: whether the item is delivered with it.
    """

    item_id: int
    attempt: int
    dedupe_key: str
    number: int = 1
    is_last: bool = True

    @classmethod
    def of(cls, item: QueueItem, number: int = 1, *, is_last: bool = True) -> "Step":
        """Return a call of an attempt that is in flight."""
        return cls(item.id, item.attempts, item.dedupe_key, number, is_last)

    def is_of(self, item: QueueItem | None) -> bool:
        """Tell whether it is about an item as it is: the same one, and not tried since."""
        return (
            item is not None
            and item.state == "pending"
            and (item.dedupe_key, item.attempts) == (self.dedupe_key, self.attempt)
        )


@dataclass(frozen=True)
class Line:
    """What is known of a call: that it was begun, taken, or certainly not carried out."""

    word: Word
    step: Step
    part: SentPart | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether its item is delivered with it."""
        return self.word == "taken" and self.step.is_last


@dataclass(frozen=True)
class Entry:
    """A call whose outcome the database does not have yet.

    Args:
        text: the line in the file that counts.
        owner: the bot.
        is_ended: whether the call is over, whatever came of it.
        is_written: whether the file says what came of it, where that matters.
    """

    text: bytes
    owner: int
    is_ended: bool = False
    is_written: bool = True


class Journal:
    """A file with the lines of each call, emptied whenever the database has all of them."""

    def __init__(self, path: Path, descriptor: int, is_new: bool = False) -> None:
        self._path = path
        self._descriptor = descriptor
        self._open: dict[tuple[int, int], Entry] = {}
        self.is_new = is_new
        """Whether there was no file: what an earlier process began is not known then."""

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Journal"]:
        """Open the file until the block is left; what is in it stays until `clear`.

        Raises:
            BridgeError: it cannot be opened.
        """
        try:
            found = _found(path)
        except OSError as error:
            raise BridgeError(f"cannot open {path}: {reason(error, WRITABLE)}") from error
        journal = cls(path, *found)
        try:
            yield journal
        finally:
            os.close(journal._descriptor)

    def read(self) -> list[Line]:
        """Return what an earlier process left; a line that was not written whole is left out."""
        content = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        found = (_line(text) for text in content.splitlines())
        return [line for line in found if line is not None]

    def clear(self) -> None:
        """Forget what an earlier process left."""
        os.ftruncate(self._descriptor, 0)

    def has_room(self, owner: int) -> bool:
        """Tell whether a call of a bot may begin: what it leaves behind could be recorded."""
        ended = [entry for entry in self._open.values() if entry.is_ended]
        is_lost = any(not entry.is_written and entry.owner == owner for entry in ended)
        return len(ended) < MOST and not is_lost

    def begin(self, step: Step, owner: int) -> bool:
        """Write down that a call begins; False when that is not written, and it may not begin."""
        text = _text(Line("begun", step))
        is_written = self._append(text)
        if is_written:
            self._open[_key(step)] = Entry(text, owner)
        return is_written

    def take(self, step: Step, part: SentPart | None, owner: int) -> None:
        """Write down that Telegram took a call, and what it sent."""
        text = _text(Line("taken", step, part))
        is_written = self._append(text)
        self._open[_key(step)] = Entry(text, owner, is_ended=True, is_written=is_written)

    def refuse(self, step: Step, owner: int) -> None:
        """Write down that a call was certainly not carried out."""
        text = _text(Line("refused", step))
        if self._append(text):
            self._open[_key(step)] = Entry(text, owner, is_ended=True)
        else:
            self.give_up(step)

    def give_up(self, step: Step) -> None:
        """Note that a call is over, and that its outcome is unknown."""
        entry = self._open.get(_key(step))
        if entry is not None:
            self._open[_key(step)] = replace(entry, is_ended=True)

    def recorded(self, item_id: int, number: int | None = None) -> None:
        """Note that the database has what came of an item, or of one call of it."""
        for key in [one for one in self._open if one[0] == item_id and number in (None, one[1])]:
            del self._open[key]
        if not self._open:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
        elif os.fstat(self._descriptor).st_size > COMPACT_BYTES:
            self._compact()

    def _append(self, text: bytes) -> bool:
        """Write a line, whole or not at all; tell which."""
        size = os.fstat(self._descriptor).st_size
        try:
            if os.write(self._descriptor, text) == len(text):
                return True
        except OSError:  # no space: there may be some of it later
            pass
        with suppress(OSError):  # half a line would spoil the next one
            os.ftruncate(self._descriptor, size)
        return False

    def _compact(self) -> None:
        """Write the file anew, with the lines that count; a kill leaves the old or the new one."""
        path = self._path.with_name(f"{self._path.name}.new")
        content = b"".join(entry.text for entry in self._open.values())
        with suppress(OSError):
            descriptor = _opened(path, os.O_TRUNC)
            try:
                if os.write(descriptor, content) != len(content):
                    raise OSError("no space")
                path.replace(self._path)
            except OSError:
                os.close(descriptor)
                raise
            os.close(self._descriptor)
            self._descriptor = descriptor


def _found(path: Path) -> tuple[int, bool]:
    """Return the file, and whether it was not there."""
    is_new = not path.exists()
    return _opened(path), is_new


def _opened(path: Path, more: int = 0) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | more, OWNER_ONLY)


def _key(step: Step) -> tuple[int, int]:
    return step.item_id, step.number


def _text(line: Line) -> bytes:
    step = line.step
    fields = [line.word, step.item_id, step.attempt, step.dedupe_key, step.number, step.is_last]
    return (json.dumps([*fields, _fields(line.part)]) + "\n").encode()


def _fields(part: SentPart | None) -> dict[str, object] | None:
    return None if part is None else {**asdict(part), "at": part.at.isoformat()}


def _line(text: bytes) -> Line | None:
    """Return what a line says; None when it cannot be read."""
    try:
        match json.loads(text):
            case [
                ("begun" | "taken" | "refused") as word,
                int(item_id),
                int(attempt),
                str(key),
                int(number),
                bool(is_last),
                fields,
            ]:
                return Line(word, Step(item_id, attempt, key, number, is_last), _part(fields))
            case [
                int(item_id),
                int(attempt),
                str(key),
                fields,
            ]:  # earlier versions wrote what was taken
                return Line("taken", Step(item_id, attempt, key, 0), _part(fields))
    except (ValueError, TypeError, KeyError):
        return None
    return None


def _part(fields: dict[str, object] | None) -> SentPart | None:
    if not fields:
        return None
    return SentPart(**{**fields, "at": datetime.fromisoformat(str(fields["at"]))})  # type: ignore[arg-type]
