"""`check`: one line per thing, with the remedy for what fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal

from rich.console import Console

from bot.settings import Settings
from storage.errors import StorageError

State = Literal["ok", "warning", "failed"]
MARKS: dict[State, str] = {
    "ok": "[green]ok[/]     ",
    "warning": "[yellow]warning[/]",
    "failed": "[red]failed[/] ",
}


@dataclass(frozen=True)
class Finding:
    """What one check found, and how to mend it."""

    name: str
    state: State
    text: str
    remedy: str = ""


def check(settings: Settings, *, offline: bool) -> int:
    """Print one line per thing checked; return 1 if anything failed."""
    console = Console(highlight=False, soft_wrap=True)
    findings = asyncio.run(_print_all(settings, offline=offline, show=_printer(console)))
    return 1 if any(finding.state == "failed" for finding in findings) else 0


def _printer(console: Console) -> Callable[[Finding], None]:
    def show(finding: Finding) -> None:
        console.print(f"{MARKS[finding.state]} {finding.name}: ", end="")
        console.print(finding.text, markup=False)
        if finding.remedy:
            console.print(f"        → {finding.remedy}", markup=False)

    return show


async def _print_all(
    settings: Settings, *, offline: bool, show: Callable[[Finding], None]
) -> list[Finding]:
    findings = []
    async for finding in _findings(settings, offline=offline):
        show(finding)
        findings.append(finding)
    return findings


async def _findings(settings: Settings, *, offline: bool) -> AsyncIterator[Finding]:
    yield Finding("settings", "ok", "every setting is valid")
    yield await _database(settings)
    if offline:
        return
    from bot.operate import probes  # noqa: PLC0415 - imports aiogram, two seconds

    async for name, problem, text in probes.probe(settings):
        yield Finding(
            name, "failed" if problem else "ok", problem or text, text if problem else ""
        )


async def _database(settings: Settings) -> Finding:
    from storage.database import Database  # noqa: PLC0415 - not needed for wrong settings

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
