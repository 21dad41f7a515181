"""`check`: one line per thing, with the remedy for what fails."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rich.console import Console

from bot.operate.consent import links_in, without_links
from bot.settings import Settings
from storage.errors import StorageError

State = Literal["ok", "warning", "failed"]
MARKS: dict[State, str] = {
    "ok": "[green]ok[/]     ",
    "warning": "[yellow]warning[/]",
    "failed": "[red]failed[/] ",
}
SEE_ABOVE = "(the link above)"


@dataclass(frozen=True)
class Finding:
    """What one check found, and how to mend it."""

    name: str
    state: State
    text: str
    remedy: str = ""


def check(settings: Settings, file: Path | None, *, offline: bool) -> int:
    """Print one line per thing checked; return 1 if anything failed."""
    console = Console(highlight=False, soft_wrap=True)
    findings = asyncio.run(_print_all(settings, file, offline=offline, show=_printer(console)))
    return 1 if any(finding.state == "failed" for finding in findings) else 0


def _printer(console: Console) -> Callable[[Finding], None]:
    def show(finding: Finding) -> None:
        console.print(f"{MARKS[finding.state]} {finding.name}: ", end="")
        console.print(finding.text, markup=False)
        if finding.remedy:
            console.print(f"        → {finding.remedy}", markup=False)

    return show


async def _print_all(
    settings: Settings, file: Path | None, *, offline: bool, show: Callable[[Finding], None]
) -> list[Finding]:
    findings: list[Finding] = []
    has_link = False
    async for found in _findings(settings, file, offline=offline):
        finding = _pointing_up(found) if has_link else found
        has_link = has_link or bool(links_in(f"{found.text} {found.remedy}"))
        show(finding)
        findings.append(finding)
    return findings


def _pointing_up(finding: Finding) -> Finding:
    """Return a finding without a second link to the same consent."""
    text, remedy = (without_links(one, SEE_ABOVE) for one in (finding.text, finding.remedy))
    return replace(finding, text=text, remedy=remedy)


async def _findings(
    settings: Settings, file: Path | None, *, offline: bool
) -> AsyncIterator[Finding]:
    yield Finding("settings", "ok", "every setting is valid")
    from bot.operate import surroundings  # noqa: PLC0415 - not needed for wrong settings

    yield _found(*surroundings.of_file(file), level="warning")
    yield _found(*surroundings.of_disk(settings))
    yield await _database(settings)
    yield _sqlite()
    for old, new in await _moved_chats(settings):
        yield Finding(
            "operators",
            "warning",
            f"the group {old} became a supergroup, whose number is {new}",
            f"put {new} in the place of {old} into operators.chat_ids",
        )
    if offline:
        return
    from bot.operate import probes  # noqa: PLC0415 - imports aiogram, two seconds

    async for found in probes.probe(settings):
        yield _found(*found)
    async for around in surroundings.look_around(settings):
        yield _found(*around, level="warning" if around[0] == "service" else "failed")


def _sqlite() -> Finding:
    """Name the version of SQLite, and a bug that it has."""
    from storage.engine import has_reset_bug  # noqa: PLC0415 - not needed for wrong settings

    version = sqlite3.sqlite_version
    if not has_reset_bug():
        return Finding("SQLite", "ok", version)
    text = f"{version} has the WAL-reset bug (mended in 3.51.3); the bridge is built not to hit it"
    return Finding("SQLite", "ok", text)


def _found(name: str, problem: str, text: str, *, level: State = "failed") -> Finding:
    """Return a finding: what is well with its state, what is not with its remedy."""
    return Finding(name, level, problem, text) if problem else Finding(name, "ok", text)


def _before_the_first_start(settings: Settings) -> Finding:
    """Tell whether the database can be made; a question makes none."""
    from bot.operate.surroundings import is_made_by_systemd  # noqa: PLC0415 - as below

    folder = settings.database.parent
    if is_made_by_systemd(folder):
        text = f"{settings.database} is not there yet: the service's first start makes it"
        return Finding("database", "ok", text)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            "database",
            "failed",
            f"{settings.database} cannot be made",
            f"make the folder {folder}, and writable for this user; or change storage.path",
        )
    text = f"{settings.database} is not there yet: the first `run` makes it"
    return Finding("database", "ok", text)


async def _database(settings: Settings) -> Finding:
    from bot.operate.existing import is_there  # noqa: PLC0415 - as below
    from storage.database import Database  # noqa: PLC0415 - not needed for wrong settings

    if not is_there(settings.database):
        return _before_the_first_start(settings)
    try:
        async with Database.open(settings.database) as database, database.snapshot() as snapshot:
            counts = [await snapshot.inbox.counts(), await snapshot.outbox.counts()]
    except StorageError as error:
        return Finding(
            "database", "failed", str(error), "check storage.path, its folder, and free disk space"
        )
    pending = sum(count.get("pending", 0) for count in counts)
    dead = sum(count.get("dead", 0) for count in counts)
    text = f"{settings.database} ({pending} items wait, {dead} are dead)"
    if dead:
        return Finding("database", "warning", text, "see: kommo-telegram queue list")
    return Finding("database", "ok", text)


async def _moved_chats(settings: Settings) -> list[tuple[int, int]]:
    """Return which numbers of operators' chats are no longer right, with the right ones."""
    from bot.operate.chats import OperatorsChats  # noqa: PLC0415 - as below
    from bot.operate.existing import is_there  # noqa: PLC0415 - as below
    from storage.database import Database  # noqa: PLC0415 - not needed for wrong settings

    chats = OperatorsChats(settings.operators.chat_ids)
    if not settings.operators.chat_ids or not is_there(settings.database):
        return []
    try:
        async with Database.open(settings.database) as database, database.snapshot() as snapshot:
            await chats.load(snapshot.notes)
    except StorageError:
        return []  # the database has a line of its own
    return list(chats.moved.items())
