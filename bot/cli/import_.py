"""`import`: old messages, from Telegram Desktop's export or from JSON Lines."""

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bot.account.existing import has_database
from bot.cli.bots import bot_named
from bot.cli.import_dates import moment, zone_named
from bot.cli.import_notes import notes_on, want_author
from bot.cli.import_run import ImportRefusedError, Work, carry_out
from bot.cli.import_table import document, result, show, show_result
from bot.cli.options import JsonOption, YesOption, load_settings
from bot.cli.terminal import confirm, say, show_json
from bot.cli.usage import PlainTyper
from bot.imports.pace import ImportPace
from bot.imports.plan import Plan
from bot.imports.reading import file_in, read_export
from bot.imports.recording import count_known
from bot.imports.wanted import Wanted
from bot.media.inside import size_in
from bot.operate.forget import media_links
from bot.settings import BotSettings, Settings
from storage.database import Database
from storage.spool import Spool

app = PlainTyper()

PACE = ImportPace()
LOWER_PRIORITY = 10
"""Live messages are delivered by another process of this machine: it goes first."""


@dataclass(frozen=True)
class Choice:
    """What the command line says."""

    path: Path
    bot: str | None
    client_id: int | None
    since: str | None
    until: str | None
    timezone: str | None
    is_silent: bool
    is_dry: bool
    is_confirmed: bool
    as_json: bool


# Over the limit of arguments: they are the options of the command line.
# Over the limit of lines: each option says what it is for; the rest hands them over.
@app.command("import")
def import_(  # noqa: PLR0917 - the command line's own
    context: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            exists=True,
            help="Telegram Desktop's export (its folder or result.json), or JSON Lines.",
        ),
    ],
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot",
            metavar="NAME",
            help="The bot that the conversations belong to.",
            show_default="the default bot",
        ),
    ] = None,
    client: Annotated[
        int | None,
        typer.Option("--client", min=1, metavar="ID", help="Only this client, by Telegram id."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="From this day on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Up to the end of this day.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone",
            metavar="ZONE",
            help="Time zone of an old export without one, such as Europe/Berlin.",
            show_default="this machine's",
        ),
    ] = None,
    silent: Annotated[
        bool, typer.Option("--silent", help="Create no leads and no notifications.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import old messages into Kommo; may be interrupted and repeated at any time.

    PATH is Telegram Desktop's export, or JSON Lines of another system. Start with `--dry-run`.
    """
    choice = Choice(
        path=path,
        bot=bot,
        client_id=client,
        since=since,
        until=until,
        timezone=timezone,
        is_silent=silent,
        is_dry=dry_run,
        is_confirmed=yes,
        as_json=as_json,
    )
    import_export(load_settings(context), choice)


def import_export(settings: Settings, choice: Choice, *, pace: ImportPace = PACE) -> None:
    """Read an export, show what is in it, and bring it to Kommo."""
    _step_back()
    entry = bot_named(settings, choice.bot)
    file = file_in(choice.path)
    folder = file.parent.resolve()
    wanted = _wanted(settings, entry, choice)
    links = media_links(settings, now=lambda: datetime.now(UTC))
    with Spool.open() as spool:
        plan = read_export(
            file,
            spool,
            wanted,
            size_of=partial(size_in, folder),
            ask=partial(_ask, is_asking=not choice.is_confirmed),
        )
        spool.put_in_order()
        _want_chats(plan, choice)
        known = asyncio.run(_known(settings, spool, plan))
        notes = notes_on(settings, plan, timezone=choice.timezone, is_silent=choice.is_silent)
        planned = document(plan, known, links.end(), notes)
        if not choice.as_json:
            show(plan, known, links.end(), notes)
        if choice.is_dry:
            if choice.as_json:
                show_json(planned)
            return
        want_author(settings, plan)
        if not choice.is_confirmed:
            confirm("Import this? It cannot be undone.")
        began_at = time.monotonic()
        work = Work(settings, entry, folder, links, pace, is_silent=choice.is_silent)
        done = carry_out(work, spool, plan)
    took_s = time.monotonic() - began_at
    if choice.as_json:
        show_json({"plan": planned, **result(done, took_s)})
    else:
        show_result(done, took_s)


def _step_back() -> None:
    """Let everything else on this machine go first."""
    if threading.current_thread() is threading.main_thread():
        os.nice(LOWER_PRIORITY)


def _wanted(settings: Settings, entry: BotSettings, choice: Choice) -> Wanted:
    zone = zone_named(choice.timezone)
    until = moment(choice.until, zone, "--until", whole_day=True)
    return Wanted(
        bot_id=entry.bot_id,
        bots={bot.bot_id for bot in settings.telegram.bots},
        managers=settings.imports.managers.keys(),
        zone=zone,
        client_id=choice.client_id,
        since=moment(choice.since, zone, "--since", whole_day=False),
        until=until,
    )


def _ask(name: str, candidates: Sequence[int], *, is_asking: bool) -> int | None:
    """Ask a person who is the client of a chat; None where nobody is to be asked."""
    if not is_asking or not candidates:
        return None
    ids = ", ".join(map(str, candidates))
    say(f"It is not clear who is the client of {name}.", err=True)
    while True:
        answer = typer.prompt(f"The client's Telegram id ({ids})", type=int, err=True)
        if answer in candidates:
            return int(answer)


def _want_chats(plan: Plan, choice: Choice) -> None:
    """Refuse an export in which there is nothing to import.

    Raises:
        ImportRefusedError: there is not.
    """
    if plan.chats:
        return
    if choice.client_id is not None:
        raise ImportRefusedError(f"the export has no messages of a client {choice.client_id}")
    left_out = plan.chats_left_out + plan.messages_left_out
    why = ", ".join(f"{why}: {count}" for why, count in sorted(left_out.items()))
    raise ImportRefusedError(
        f"there is nothing to import{f' (left out: {why})' if why else ', the export is empty'}"
    )


async def _known(settings: Settings, spool: Spool, plan: Plan) -> int:
    if not has_database(settings):
        return 0
    async with Database.open(settings.location) as database:
        return await count_known(database, spool, plan.chats)
