"""`queue list`, `queue retry`, `queue drop`: waiting and failed items."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Any

import typer

from bot.account.existing import open_existing
from bot.cli.options import JsonOption, YesOption, load_settings
from bot.cli.terminal import confirm, say, show_json, show_record
from bot.cli.usage import PlainTyper
from bot.operate import dead_items
from bot.queue.items import item_named, name_of
from bot.settings import Settings
from bot.words import counted
from storage.database import Database
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

app = PlainTyper()

LISTED = ("pending", "dead")
AT_MOST = 10_000
UNKNOWN = "no such item, or it is done"


class UnknownItemError(typer.BadParameter):
    """An id names no item."""


@app.callback()
def queue() -> None:
    """Waiting and failed items."""


@app.command("list")
def list_items(context: typer.Context, as_json: JsonOption = False) -> None:
    """List waiting and failed items, with reason and action."""
    rows = asyncio.run(_rows(load_settings(context)))
    if as_json:
        show_json(rows)
        return
    if not rows:
        say("The queues are empty: nothing is waiting, nothing has failed.")
        return
    for row in rows:
        show_record(_lines(row))


def _lines(row: dict[str, Any]) -> list[str]:
    """Return what a person reads about an item: which, for whom, since when, reason, action."""
    doubt = "; a possible duplicate" if row["possible_duplicate"] else ""
    return [
        f"{row['id']}  {row['state']}  {row['kind']}  {row['conversation_id'] or ''}",
        f"    since:  {row['since']}, attempts: {row['attempts']}{doubt}",
        f"    reason: {row['reason'] or 'waiting in line'}",
        f"    action: {row['remedy']}",
    ]


@app.command("retry")
def retry(
    context: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Default: every failed item.")
    ] = None,
) -> None:
    """Retry failed or waiting items now."""
    settings = load_settings(context)
    act = partial(dead_items.retry, lifetimes=settings.delivery.lifetimes)
    raise typer.Exit(asyncio.run(_change(settings, ids or [], act, done="will be tried again")))


@app.command("drop")
def drop(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="As `queue list` prints it.")],
    yes: YesOption = False,
) -> None:
    """Drop items for good."""
    settings = load_settings(context)
    if not yes:
        confirm(f"Drop {counted(len(ids), 'item')} for good?")
    dropping = dead_items.Dropping(settings.delivery.lifetimes, settings.kommo.language)
    raise typer.Exit(asyncio.run(_change(settings, ids, dropping.drop, done="dropped")))


async def _rows(settings: Settings) -> list[dict[str, Any]]:
    async with open_existing(settings) as database, database.snapshot() as snapshot:
        incoming = await snapshot.to_kommo.list_items(states=LISTED, limit=AT_MOST)
        outgoing = await snapshot.to_telegram.list_items(states=LISTED, limit=AT_MOST)
    return [_row(Direction.INCOMING, item) for item in incoming] + [
        _row(Direction.OUTGOING, item) for item in outgoing
    ]


def _row(direction: Direction, item: QueueItem) -> dict[str, Any]:
    name = name_of(direction, item.id)
    return {
        "id": name,
        "direction": direction,
        "kind": item.kind,
        "conversation_id": item.conversation_id,
        "state": item.state,
        "reason": item.reason,
        "since": item.created_at.isoformat(timespec="seconds"),
        "attempts": item.attempts,
        "next_attempt_at": item.due_at.isoformat(timespec="seconds") if item.due_at else None,
        "possible_duplicate": item.is_uncertain and direction is Direction.OUTGOING,
        "remedy": dead_items.remedy(name, item),
    }


async def _change(
    settings: Settings,
    ids: Sequence[str],
    act: Callable[[Database, Sequence[str]], Awaitable[list[str]]],
    *,
    done: str,
) -> int:
    """Do something to items; say what was done, and which ids are unknown."""
    names = [_name(text) for text in ids]
    async with open_existing(settings) as database:
        names = names or [item.name for item in await dead_items.failed_items(database)]
        changed = set(await act(database, names))
    for name in names:
        if name in changed:
            say(f"{name}: {done}")
        else:
            say(f"{name}: {UNKNOWN}", err=True)
    if not names:
        say("No item has failed.")
    return 0 if changed.issuperset(names) else 1


def _name(text: str) -> str:
    """Return the name of an item, as `queue list` prints it."""
    named = item_named(text)
    if named is None:
        raise UnknownItemError(f"{text!r} is not an id that `queue list` prints")
    return name_of(*named)
