"""`import`: old messages, from Telegram Desktop's export or from JSON Lines."""

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from bot.account.existing import has_database
from bot.cli.bots import bot_named
from bot.cli.import_run import ImportRefusedError, Work, carry_out
from bot.cli.import_table import ONE_DAY, document, result, show, show_result
from bot.cli.options import JsonOption, YesOption, load_settings
from bot.cli.terminal import confirm, say, show_json
from bot.cli.usage import PlainTyper
from bot.errors import ConfigError, Problem
from bot.imports.kommo import ImportPace
from bot.imports.plan import Plan
from bot.imports.reading import Wanted, file_in, read_export
from bot.imports.recording import count_known
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
        notes = _notes(settings, plan, choice)
        planned = document(plan, known, links.end(), notes)
        if not choice.as_json:
            show(plan, known, links.end(), notes)
        if choice.is_dry:
            if choice.as_json:
                show_json(planned)
            return
        _want_author(settings, plan)
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
    zone = _zone(choice.timezone)
    until = _moment(choice.until, zone, "--until", whole_day=True)
    return Wanted(
        bot_id=entry.bot_id,
        bots={bot.bot_id for bot in settings.telegram.bots},
        managers=settings.imports.managers.keys(),
        zone=zone,
        client_id=choice.client_id,
        since=_moment(choice.since, zone, "--since", whole_day=False),
        until=until,
    )


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(
            "a time zone such as Europe/Berlin or UTC", param_hint="--timezone"
        ) from None


def _moment(
    text: str | None, zone: tzinfo | None, option: str, *, whole_day: bool
) -> datetime | None:
    """Return the moment that a date on the command line means."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else _in_zone(found, zone)
        is_day = len(text) <= len("2024-01-31")
        return found + timedelta(days=1) if whole_day and is_day else found
    except (ValueError, OverflowError):
        raise typer.BadParameter("a date such as 2024-01-31", param_hint=option) from None


def _in_zone(local: datetime, zone: tzinfo | None) -> datetime:
    return local.replace(tzinfo=zone) if zone else local.astimezone()


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


def _unmapped(settings: Settings, plan: Plan) -> bool:
    """Tell whether the channel's bot has to speak for somebody."""
    return bool(plan.writers.keys() - settings.imports.managers.keys())


def _notes(settings: Settings, plan: Plan, choice: Choice) -> list[str]:
    """Return what is to be known before one goes on."""
    notes = [ONE_DAY]
    if plan.files:
        days = settings.delivery.media_link_days
        notes.append(
            f"Kommo fetches the files from this machine for {days} days (delivery.media_link_days)"
            ": leave the export where it is, where the service may read it, and keep the service "
            "running"
        )
    if plan.is_zone_used:
        notes.append(
            f"the export is of before 2022 and tells times without a zone: they are taken as of "
            f"{choice.timezone or 'the zone of this machine; --timezone names another'}"
        )
    if _unmapped(settings, plan):
        bot = "the channel's bot" if settings.kommo.channel_bot_id else NO_BOT
        notes.append(f"what nobody in [import.managers] wrote is shown as of {bot}")
    if not choice.is_silent:
        notes.append(
            "the newest message of each chat makes a lead and tells managers; --silent: none"
        )
    return notes


NEWEST = (
    "the newest message of each chat makes a lead and tells managers; with --silent, none does"
)
NO_BOT = "nobody yet: kommo.channel_bot_id is needed"


def _want_author(settings: Settings, plan: Plan) -> None:
    """Refuse to begin when nobody could be shown as the author.

    Raises:
        ConfigError: nobody could.
    """
    if settings.kommo.channel_bot_id is None and _unmapped(settings, plan):
        raise ConfigError(
            [
                Problem(
                    "kommo.channel_bot_id",
                    "is missing, and the company wrote messages that nobody in [import.managers] "
                    "wrote",
                    "the id of the channel's bot as Kommo support sent it, a UUID",
                )
            ]
        )


async def _known(settings: Settings, spool: Spool, plan: Plan) -> int:
    if not has_database(settings):
        return 0
    async with Database.open(settings.location) as database:
        return await count_known(database, spool, plan.chats)
