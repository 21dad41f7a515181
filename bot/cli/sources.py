"""`sources list`, `sources sync`: Kommo's sources and the bots of the settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from bot.account.apis import open_rest
from bot.account.sources import WIDGET_REMEDY, Plan, Row, plan
from bot.cli.options import JsonOption, load_settings
from bot.cli.terminal import say, show_json, show_table
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from bot.settings import BotSettings, Settings
from kommo.crm import CrmApi
from kommo.errors import RejectedError

app = PlainTyper()

FORBIDDEN = 403
COLUMNS = ("source", "bot", "in Kommo", "pipeline", "default")
MAX_SOURCES = 100
"""Reference: Kommo, Sources."""


NO_SOURCES = (
    'no bot of the settings has a source: give each one, such as source = "sales" below '
    "[[telegram.bots]]"
)


class SourcesRefusedError(BridgeError):
    """Kommo does not let the integration have sources."""


@app.callback()
def sources() -> None:
    """Sources of the bots in Kommo."""


@app.command("list")
def list_sources(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show Kommo's sources beside the configured bots."""
    settings = load_settings(context)
    bots = {bot.source: bot for bot in settings.telegram.bots if bot.source}
    rows = asyncio.run(_read(settings))
    known = {_label(row): row for row in rows}
    if as_json:
        both = [_both(source, bots.get(source), known.get(source)) for source in {**bots, **known}]
        show_json(both)
        return
    sides = ((source, bots.get(source), known.get(source)) for source in {**bots, **known})
    show_table(COLUMNS, [_cells(*each) for each in sides])


def _cells(source: str, bot: BotSettings | None, row: Row | None) -> list[str]:
    """Return a source as a row of the table."""
    return [
        source,
        str(bot.bot_id) if bot else "-",
        str(row.get("name")) if row else "missing: sources sync",
        str(row.get("pipeline_id") or "") if row else "",
        "yes" if row and row.get("default") else "",
    ]


def _both(source: str, bot: BotSettings | None, row: Row | None) -> dict[str, Any]:
    """Return a source as both sides know it."""
    return {"source": source, "bot_id": bot.bot_id if bot else None, "in_kommo": row}


@app.command("sync")
def sync(
    context: typer.Context,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also delete sources without a bot.")
    ] = False,
) -> None:
    """Create missing sources in Kommo, and update those that differ.

    It needs access to Kommo's REST API. Sources without a bot stay, unless `--prune` is given.
    """
    settings = load_settings(context)
    done = asyncio.run(_sync(settings, is_pruning=prune))
    for verb, rows in (("created", done.create), ("changed", done.update)):
        for row in rows:
            say(f"{row['external_id']}: {verb}")
    for row in done.foreign:
        left = "deleted" if prune else "no bot has it; --prune deletes it"
        say(f"{_label(row)}: {left}")
    if not any(bot.source for bot in settings.telegram.bots):
        say(NO_SOURCES, err=True)
    if not (done.create or done.update or done.foreign):
        say("Nothing to do.")


def _label(row: Row) -> str:
    """Return what a source is known by; one that Kommo made itself may have no external_id."""
    return str(row.get("external_id") or f"{row.get('name')} (id {row.get('id')})")


async def _read(settings: Settings) -> list[Row]:
    async with _crm(settings) as crm:
        return await crm.sources()


async def _sync(settings: Settings, *, is_pruning: bool) -> Plan:
    async with _crm(settings) as crm:
        existing = await crm.sources()
        todo = plan(settings.telegram.bots, existing, settings.kommo.channel_code)
        gone = [int(row["id"]) for row in todo.foreign] if is_pruning else []
        is_full = len(existing) + len(todo.create) > MAX_SOURCES
        if is_full:  # else last: what goes wrong before it costs nothing then
            await crm.delete_sources(gone)
        await crm.create_sources(todo.create)
        await crm.update_sources(todo.update)
        if not is_full:
            await crm.delete_sources(gone)
    return todo


@asynccontextmanager
async def _crm(settings: Settings) -> AsyncIterator[CrmApi]:
    """Return the REST API; its refusal says what sources need. Reference: Kommo, Sources."""
    try:
        async with open_rest(settings) as crm:
            yield crm
    except RejectedError as error:
        if error.status != FORBIDDEN:
            raise
        raise SourcesRefusedError(f"{error}; {WIDGET_REMEDY}") from error
