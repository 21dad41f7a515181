"""`history`: a conversation as Kommo has it."""

import asyncio
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.account.channel import open_channel
from bot.account.existing import has_database
from bot.cli.conversations import SEE, NotFoundError, every
from bot.cli.options import JsonOption, load_settings
from bot.cli.terminal import is_terminal, say, show_json
from bot.cli.usage import PlainTyper
from bot.conversations.kommo_chats import KommoChats
from bot.settings import Settings
from kommo.answers import HistoryMessage
from kommo.chats import ChatsApi
from kommo.ids import KommoChatId
from storage.database import Database

app = PlainTyper()

NUMBER = re.compile(r"-?[0-9]{1,20}")
PAGE = 50


@app.command()
def history(
    context: typer.Context,
    conversation: Annotated[
        str,
        typer.Argument(
            metavar="CONVERSATION", help="Its id in Telegram, in Kommo or in the bridge."
        ),
    ],
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="How many messages.")
    ] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show a conversation as Kommo has it, newest first."""
    messages = asyncio.run(_history(load_settings(context), conversation, limit))
    if as_json:
        show_json([message.raw for message in messages])
        return
    if not messages:
        say("Kommo has no messages of this conversation.")
    for message in messages:
        _show_message(message)


async def _history(settings: Settings, name: str, limit: int) -> list[HistoryMessage]:
    """Return a conversation's messages.

    Raises:
        NotFoundError: neither the bridge nor Kommo knows a conversation of this id.
    """
    if NUMBER.fullmatch(name):
        raise NotFoundError(await _not_a_number(settings, name))
    async with AsyncExitStack() as stack:
        chats = (await stack.enter_async_context(open_channel(settings))).chats
        found, is_known = KommoChatId(name), False  # what is not ours is Kommo's
        if has_database(settings):
            database = await stack.enter_async_context(Database.open(settings.location))
            kommo_chat_id, is_known = await _kommo_chat(database, chats, name)
            if kommo_chat_id is None:
                return []
            found = kommo_chat_id
        messages = await _messages(chats, found, limit)
    if not messages and not is_known:
        raise NotFoundError(f"neither the bridge nor Kommo knows a conversation {name!r}; {SEE}")
    return messages


async def _not_a_number(settings: Settings, number: str) -> str:
    """Return what to ask for instead of a Telegram number."""
    ids: list[str] = []
    if has_database(settings):
        async with Database.open(settings.location) as database, database.snapshot() as snapshot:
            known = await every(snapshot)
        ids = [one.conversation_id for one in known if str(one.chat_id) == number]
    if not ids:
        return f"{number} is a number, but `history` takes a conversation's id; {SEE}"
    return f"{number} is a Telegram number; its conversation is: {', '.join(ids)}"


async def _kommo_chat(
    database: Database, chats: ChatsApi, name: str
) -> tuple[KommoChatId | None, bool]:
    """Return Kommo's id of a conversation, and whether the bridge knows it.

    The id is None if nothing of the conversation has reached Kommo.
    """
    async with database.snapshot() as snapshot:
        known = await snapshot.conversations.get(name)
        chat = None if known else await snapshot.conversation_chats.by_alias(name)
        is_kommos = await snapshot.conversations.by_kommo_chat(name) is not None
    if known is None:
        return KommoChatId(chat.kommo_chat_id if chat else name), is_kommos or chat is not None
    finder = KommoChats(database, chats.create_chat, now=lambda: datetime.now(UTC))
    return await finder.id_of(known), True


async def _messages(chats: ChatsApi, chat_id: KommoChatId, limit: int) -> list[HistoryMessage]:
    messages: list[HistoryMessage] = []
    offset = 0
    while len(messages) < limit:
        wanted = min(PAGE, limit - len(messages))
        page = await chats.history(chat_id, offset=offset, limit=wanted)
        messages += page
        offset += page.told
        if page.told < wanted:
            break
    return messages


def _show_message(message: HistoryMessage) -> None:
    """Print a message; on a terminal, its further lines are indented."""
    body = message.body
    content = body.text or body.file_name or body.media or ""
    kind = "" if body.type == "text" else f"[{body.type}] "
    at = message.at.isoformat(sep=" ", timespec="seconds")
    text = f"{at}  {message.sender.name}: {kind}{content}"
    say(*(text.replace("\n", f"\n{' ' * len(at)}  ").split("\n") if is_terminal() else [text]))
