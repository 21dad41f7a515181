"""`chats list`: the conversations that are known."""

import asyncio
from collections.abc import Mapping
from typing import Any

import typer

from bot.account.existing import open_existing
from bot.cli.conversations import every
from bot.cli.options import JsonOption, load_settings
from bot.cli.terminal import say, show_json, show_table
from bot.cli.usage import PlainTyper
from bot.settings import Settings
from storage.conversations import Conversation

app = PlainTyper()

COLUMNS = ("conversation", "chat", "bot", "name", "phone", "last heard of")
KEYS = ("conversation_id", "chat_id", "bot", "name", "phone", "last_incoming_at")


@app.callback()
def chats() -> None:
    """Conversations."""


@app.command("list")
def list_chats(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the conversations."""
    settings = load_settings(context)
    names = {bot.bot_id: bot.name or str(bot.bot_id) for bot in settings.telegram.bots}
    found, kommo_chats = asyncio.run(_all(settings))
    rows = [_row(one, names, kommo_chats.get(one.conversation_id)) for one in found]
    if as_json:
        show_json(rows)
        return
    if not rows:
        say("Nobody has written yet.")
        return
    show_table(COLUMNS, [[str(row[key] or "") for key in KEYS] for row in rows])


async def _all(settings: Settings) -> tuple[list[Conversation], dict[str, str]]:
    """Return every conversation, and Kommo's ids of their plain chats."""
    async with open_existing(settings) as database, database.snapshot() as snapshot:
        found = await every(snapshot)
        ids = (one.conversation_id for one in found)
        return found, await snapshot.conversation_chats.plain_of(ids)


def _row(
    found: Conversation, names: Mapping[int, str], kommo_chat_id: str | None
) -> dict[str, Any]:
    heard = found.last_incoming_at
    return {
        "conversation_id": found.conversation_id,
        "kommo_chat_id": kommo_chat_id,
        "chat_id": found.chat_id,
        "bot": names.get(found.bot_id, str(found.bot_id)),
        "name": found.name,
        "username": found.username,
        "phone": found.phone,
        "contact_id": found.contact_id,
        "source": found.source_id,
        "last_incoming_at": heard.isoformat(timespec="seconds") if heard else None,
    }
