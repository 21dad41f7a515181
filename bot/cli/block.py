"""`block`: stop a client, or list who is stopped."""

import asyncio
from typing import Annotated

import typer

from bot.account.existing import open_existing
from bot.cli.options import JsonOption, load_settings
from bot.cli.terminal import say, show_json, show_table
from bot.cli.usage import PlainTyper
from bot.operate.blocks import all_blocks
from bot.operate.blocks import block as stop
from bot.settings import Settings
from storage.blocks import Block

app = PlainTyper()

COLUMNS = ("client", "name", "since", "answers", "reason")


@app.command()
def block(  # noqa: PLR0917 - the command line's own
    context: typer.Context,
    chat: Annotated[
        str | None,
        typer.Option(
            "--chat", metavar="ID", help="The Telegram chat's number, or the conversation's id."
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why, for other operators.")
    ] = None,
    both: Annotated[
        bool, typer.Option("--both", help="Managers' answers do not go out either.")
    ] = False,
    is_list: Annotated[bool, typer.Option("--list", help="Show who is blocked.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop a client: nothing the client writes reaches Kommo from now on.

    It holds for all bots, works at once while the service runs, and `unblock` ends it. What the
    client writes meanwhile is not kept; `trace` shows that it came.
    """
    if is_list == (chat is not None):
        raise typer.BadParameter("name a client with --chat ID, or ask for the list with --list")
    settings = load_settings(context)
    if chat is None:
        _show(asyncio.run(_listed(settings)), as_json=as_json)
        return
    done = asyncio.run(_block(settings, chat, reason=reason, is_both=both))
    if as_json:
        show_json(_row(done, None))
        return
    answers = "and no answer goes out" if both else "answers still go out"
    say(f"client {done.chat_id} is blocked: nothing more reaches Kommo, {answers}")


async def _block(settings: Settings, chat: str, *, reason: str | None, is_both: bool) -> Block:
    async with open_existing(settings) as database:
        return await stop(database, chat, reason=reason, is_both=is_both)


async def _listed(settings: Settings) -> list[tuple[Block, str | None]]:
    async with open_existing(settings) as database:
        return await all_blocks(database)


def _show(blocks: list[tuple[Block, str | None]], *, as_json: bool) -> None:
    rows = [_row(*one) for one in blocks]
    if as_json:
        show_json(rows)
    elif rows:
        show_table(
            COLUMNS,
            [
                [
                    str(row["chat_id"]),
                    str(row["name"] or ""),
                    str(row["since"]),
                    "blocked" if row["both"] else "go out",
                    str(row["reason"] or ""),
                ]
                for row in rows
            ],
        )
    else:
        say("Nobody is blocked.")


def _row(block: Block, name: str | None) -> dict[str, object]:
    return {
        "chat_id": block.chat_id,
        "name": name,
        "reason": block.reason,
        "both": block.is_both,
        "since": block.at.isoformat(timespec="seconds"),
    }
