"""The folder of an export: one document, and the files beside it; for their owner only."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from bot.errors import BridgeError
from bot.operate.export.files import Rows, WebFile, files_in
from bot.translate.files import BotFile
from storage.database import Snapshot
from storage.kept import Whose

DOCUMENT, FILES = "client.json", "files"
FORMAT = 1
OWNER_ONLY = 0o700


class ExportError(BridgeError):
    """An export that cannot be written."""


class MissingFileError(Exception):
    """A file that could not be had.

    Args:
        is_passing: whether it may be there later.
    """

    def __init__(self, reason: str, *, is_passing: bool) -> None:
        super().__init__(reason)
        self.is_passing = is_passing


class Downloads(Protocol):
    """What writes files into files."""

    async def save(self, file: BotFile | WebFile, path: Path) -> int:
        """Write a file; return how many bytes it has.

        Raises:
            MissingFileError: it cannot be had; nothing is left of it.
            OSError: it cannot be written.
        """
        ...


@dataclass(frozen=True)
class Done:
    """What was exported.

    Args:
        gone: files that can no longer be had.
        passing: files whose server did not answer.
    """

    rows: int
    files: int
    gone: int
    passing: int


async def collect(snapshot: Snapshot, found: Sequence[Whose]) -> dict[str, list[dict[str, Any]]]:
    """Return all that is kept of some conversations, each row once."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        for name, rows in (await snapshot.kept.of(one)).items():
            known = kept.setdefault(name, [])
            known += [row for row in rows if len(found) == 1 or row not in known]
    return kept


async def write(
    folder: Path, whose: Sequence[Whose], rows: Rows, downloads: Downloads, now: datetime
) -> Done:
    """Write an export into a new or empty folder.

    Raises:
        ExportError: it cannot be written; nothing of it is left.
    """
    with _made(folder):
        files = await _save(folder / FILES, files_in(rows), downloads)
        document = {
            "format": FORMAT,
            "program": f"kommo-telegram {metadata.version('kommo-telegram')}",
            "made_at": now.isoformat(timespec="seconds"),
            "chat_id": whose[0].chat_id,
            "conversation_ids": [one.conversation_id for one in whose if one.conversation_id],
            "kept": rows,
            "files": files,
        }
        await asyncio.to_thread(_write_document, folder / DOCUMENT, document)
    missing = [file for file in files if file["path"] is None]
    passing = sum(file["is_passing"] for file in missing)
    return Done(
        rows=sum(map(len, rows.values())),
        files=len(files) - len(missing),
        gone=len(missing) - passing,
        passing=passing,
    )


async def _save(
    folder: Path, files: Sequence[BotFile | WebFile], downloads: Downloads
) -> list[dict[str, Any]]:
    """Download files; return what became of each."""
    if files:
        await asyncio.to_thread(folder.mkdir, OWNER_ONLY)
    return [
        await _save_one(folder, number, file, downloads)
        for number, file in enumerate(files, start=1)
    ]


async def _save_one(
    folder: Path, number: int, file: BotFile | WebFile, downloads: Downloads
) -> dict[str, Any]:
    """Download one file under a name of its own."""
    name = file.name if isinstance(file, WebFile) else file.file.name
    source = (
        {"from": "Kommo", "address": file.address}
        if isinstance(file, WebFile)
        else {"from": "Telegram", "bot_id": file.bot_id, "file_id": file.file.file_id}
    )
    target = folder / f"{number:04}-{name}"
    told: dict[str, Any] = {"name": name, **source}
    try:
        size = await downloads.save(file, target)
    except MissingFileError as error:
        reason = {"reason": str(error), "is_passing": error.is_passing}
        return {**told, "path": None, "size": None, **reason}
    return {**told, "path": f"{folder.name}/{target.name}", "size": size, "reason": None}


def _write_document(path: Path, document: object) -> None:
    """Write the document as a whole, or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("x", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make the folder, which must be new or empty; leave nothing in it if the block fails.

    Raises:
        ExportError: it cannot be made or written.
    """
    is_new = _make(folder)
    before = os.umask(0o077)
    try:
        yield
    except BaseException as error:
        _clear(folder, is_new=is_new)
        if isinstance(error, OSError):
            raise ExportError(f"cannot write the export: {folder}: {error.strerror}") from error
        raise
    finally:
        os.umask(before)


def _make(folder: Path) -> bool:
    """Make the folder for its owner; tell whether it was not there."""
    try:
        folder.mkdir(mode=OWNER_ONLY)
    except FileExistsError:
        _refuse_used(folder)
        return False
    except FileNotFoundError as error:
        raise ExportError(f"cannot create {folder}: the folder above it does not exist") from error
    except OSError as error:
        raise ExportError(f"cannot create {folder}: {error.strerror}") from error
    return True


def _refuse_used(folder: Path) -> None:
    """Refuse a folder that somebody uses: two clients must not be mixed up."""
    try:
        is_used = any(folder.iterdir())
    except NotADirectoryError as error:
        raise ExportError(f"{folder} is a file; name a new or an empty folder") from error
    except OSError as error:
        raise ExportError(f"cannot read {folder}: {error.strerror}") from error
    if is_used:
        raise ExportError(f"{folder} is not empty; name a new or an empty folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ExportError(f"cannot write into {folder}: permission denied")


def _clear(folder: Path, *, is_new: bool) -> None:
    """Remove what was written."""
    for name in (DOCUMENT, f"{DOCUMENT}.part"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / FILES, ignore_errors=True)
    if is_new:
        folder.rmdir()
