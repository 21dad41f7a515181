"""`trace`: the way of one message through the bridge, with times."""

import asyncio
from typing import Annotated, Any

import typer

from bot.account.existing import open_existing
from bot.cli.options import JsonOption, load_settings
from bot.cli.terminal import say, show_json, show_record
from bot.cli.usage import PlainTyper
from bot.operate.steps import Step
from bot.operate.trace import Trail, trail_of
from bot.settings import Settings

app = PlainTyper()

IDS = {
    "item": "item",
    "conversation_id": "conversation",
    "external_id": "our id",
    "kommo_message_id": "Kommo's id",
}


@app.command()
def trace(
    context: typer.Context,
    message: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Either side's id of the message, CHAT/MESSAGE as Telegram numbers them, an id "
            "that `queue list` prints, or a conversation's id for its newest message.",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Show the path of one message through the bridge, with times.

    It reads the database, not the log, for as long as storage.keep_days.
    """
    trail = asyncio.run(_trail(load_settings(context), message))
    if as_json:
        show_json(_document(message, trail))
        return
    _show_ids(trail)
    for step in trail.steps:
        at = step.at.astimezone().isoformat(sep=" ", timespec="milliseconds")
        remedy = str(step.details.get("remedy") or "")
        show_record([f"{at}  {step.text}", *([f"    → {remedy}"] if remedy else [])])


def _show_ids(trail: Trail) -> None:
    """Print what the message is called on either side."""
    say(f"{trail.direction} message")
    for key, words in IDS.items():
        if value := getattr(trail, key):
            say(f"  {words}: {value}")


async def _trail(settings: Settings, name: str) -> Trail:
    async with open_existing(settings) as database, database.snapshot() as snapshot:
        return await trail_of(snapshot, name)


def _document(name: str, trail: Trail) -> dict[str, Any]:
    return {
        "id": name,
        "direction": trail.direction,
        "item": trail.item,
        "conversation_id": trail.conversation_id,
        "external_id": trail.external_id,
        "kommo_message_id": trail.kommo_message_id,
        "telegram_message_ids": list(trail.telegram_message_ids),
        "steps": [_step(step) for step in trail.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    at = step.at.isoformat(timespec="milliseconds")
    return {"at": at, "step": step.step, "text": step.text, **step.details}
