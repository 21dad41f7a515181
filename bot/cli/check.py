"""`check`: one line per thing, with the remedy for what fails. It only looks."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.account.consent import links_in, without_links
from bot.cli.options import JsonOption, settings_file
from bot.cli.terminal import is_terminal, plain, show_json, show_record
from bot.cli.usage import PlainTyper
from bot.errors import ConfigError
from bot.operate.check.findings import Finding, State, doubt, failure, well
from bot.settings import Settings, load_unregistered

app = PlainTyper()

MARKS: dict[State, str] = {"ok": "ok     ", "warning": "warning", "failed": "failed "}
COLOURS: dict[State, str] = {"ok": "green", "warning": "yellow", "failed": "red"}
SEE_ABOVE = "(the link above)"

Show = Callable[[Finding], None]


@app.command()
def check(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Skip all network checks.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check settings, database, bots and channel, and say how to fix what fails.

    It changes nothing, so run it at any time, also while you wait for Kommo support. It exits 1 if
    a check failed.
    """
    try:
        file = settings_file(context)
        settings, missing = load_unregistered(file, os.environ)
    except ConfigError as error:
        if as_json:
            _show_problems(error)
        raise
    show = _keep_quiet if as_json else _show
    findings = asyncio.run(_all(settings, missing, file, offline=offline, show=show))
    if as_json:
        show_json([asdict(finding) for finding in findings])
    raise typer.Exit(any(finding.state == "failed" for finding in findings))


def _show_problems(error: ConfigError) -> None:
    """Print settings that are wrong as the document that `--json` promises."""
    show_json(
        [
            asdict(failure("settings", f"{problem.path}: {problem.what}", problem.expected))
            for problem in error.problems
        ]
    )


def _keep_quiet(_finding: Finding) -> None:
    """Print nothing."""


def _show(finding: Finding) -> None:
    line = f"{finding.name}: {finding.text}"
    further = [f"        → {finding.remedy}"] if finding.remedy else []
    if not is_terminal():
        show_record([f"{MARKS[finding.state]} {line}", *further])
        return
    mark = MARKS[finding.state]
    if not os.environ.get("NO_COLOR"):
        mark = typer.style(mark, fg=COLOURS[finding.state])
    typer.echo(f"{mark} {plain(line)}")
    for more in further:
        typer.echo(plain(more))


async def _all(
    settings: Settings, missing: tuple[str, ...], file: Path | None, *, offline: bool, show: Show
) -> list[Finding]:
    """Show one finding after the other, and return them.

    Args:
        settings: with stand-ins for what is missing.
        missing: what only Kommo support can tell, and has not told yet.
        file: where the settings were read.
        offline: whether to ask no server.
        show: is called with each finding.
    """
    findings: list[Finding] = []
    has_link = False
    async for found in _findings(settings, missing, file, offline=offline):
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
    settings: Settings, missing: tuple[str, ...], file: Path | None, *, offline: bool
) -> AsyncIterator[Finding]:
    from bot.operate.check import machine, network  # noqa: PLC0415 - not needed for wrong settings
    from bot.operate.check.accounts import of_accounts  # noqa: PLC0415 - as above
    from bot.operate.check.backup import of_backup  # noqa: PLC0415 - as above
    from bot.operate.check.database import kept  # noqa: PLC0415 - as above

    for finding in machine.of_settings(settings, missing):
        yield finding
    yield machine.of_file(file)
    yield machine.of_disk(settings)
    found = await kept(settings)
    yield found.finding
    if found.is_read:
        yield of_backup(settings, found.backup_at, datetime.now(UTC))
    yield _engine(settings)
    for old, new in found.moved.items():
        text = f"the group {old} became a supergroup with the number {new}"
        yield doubt("operators", text, f"put {new} instead of {old} into operators.chat_ids")
    for finding in of_accounts(settings, found.accounts):
        yield finding
    if offline:
        return
    yield network.of_network(settings)
    from bot.operate.check import servers  # noqa: PLC0415 - imports aiogram, two seconds

    async for finding in servers.probe(settings, found, missing):
        yield finding
    async for finding in machine.look_around(settings, missing):
        yield finding


def _engine(settings: Settings) -> Finding:
    """Name the version of the engine, and what is to know about it."""
    from storage.engines import backend_of  # noqa: PLC0415 - not needed for wrong settings

    backend = backend_of(settings.location)
    return well(backend.name, backend.version())
