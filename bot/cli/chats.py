"""`chats list`, `history`, `forget`: the conversations, what was said, and how to erase them."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from bot.account.apis import naming_account
from bot.account.channel import open_channel
from bot.account.existing import is_there, open_existing
from bot.cli.terminal import confirm, is_terminal, say, show_json, show_table
from bot.conversations.kommo_chats import KommoChats
from bot.errors import BridgeError
from bot.operate.forget import erase, media_links
from bot.settings import Settings
from kommo.answers import HistoryMessage
from kommo.chats import ChatsApi
from kommo.ids import KommoChatId
from storage.conversations import Conversation
from storage.database import Database, Snapshot

PAGE = 1000
NUMBER = re.compile(r"-?[0-9]{1,20}")
SEE = "see: kommo-telegram chats list"
HISTORY_PAGE = 50
COLUMNS = ("conversation", "chat", "bot", "name", "phone", "last heard of")
KEYS = ("conversation_id", "chat_id", "bot", "name", "phone", "last_incoming_at")


class NotFoundError(BridgeError):
    """No conversation is of this id."""


def list_chats(settings: Settings, *, as_json: bool) -> None:
    """Print every known conversation."""
    names = {bot.bot_id: bot.name or str(bot.bot_id) for bot in settings.telegram.bots}
    found, chats = asyncio.run(_all(settings))
    rows = [_row(one, names, chats.get(one.conversation_id)) for one in found]
    if as_json:
        show_json(rows)
        return
    if not rows:
        say("Nobody has written yet.")
        return
    show_table(COLUMNS, [[str(row[key] or "") for key in KEYS] for row in rows])


def show_history(settings: Settings, conversation: str, *, limit: int, as_json: bool) -> None:
    """Print a conversation as Kommo has it, newest first."""
    messages = asyncio.run(_history(settings, conversation, limit))
    if as_json:
        show_json([message.raw for message in messages])
        return
    if not messages:
        say("Kommo has no messages of this conversation.")
    for message in messages:
        _show_message(message)


def forget(settings: Settings, chat: str, *, is_confirmed: bool) -> None:
    """Erase what is kept of one client's conversation, in every bot the chat is known to."""
    found = asyncio.run(_named(settings, chat))
    if not is_confirmed:
        ids = ", ".join(conversation.conversation_id for conversation in found)
        confirm(f"Erase all that is kept of {ids}?")
    asyncio.run(_erase(settings, found))
    for conversation in found:
        say(f"{conversation.conversation_id}: erased here; Kommo keeps its own copy")


async def _all(settings: Settings) -> tuple[list[Conversation], dict[str, str]]:
    """Return every conversation, and Kommo's ids of their plain chats."""
    async with open_existing(settings) as database, database.snapshot() as snapshot:
        found = await _every(snapshot)
        ids = (one.conversation_id for one in found)
        return found, await snapshot.conversation_chats.plain_of(ids)


async def _every(snapshot: Snapshot) -> list[Conversation]:
    found: list[Conversation] = []
    while page := await snapshot.conversations.list_all(limit=PAGE, offset=len(found)):
        found += page
    return found


async def _named(settings: Settings, chat: str) -> list[Conversation]:
    """Return the conversations of a Telegram chat's number or of either side's id."""
    async with open_existing(settings) as database, database.snapshot() as snapshot:
        one = await snapshot.conversations.get(chat)
        one = one or await snapshot.conversations.by_kommo_chat(chat)
        named = None if one else await snapshot.conversation_chats.by_alias(chat)
        one = await snapshot.conversations.get(named.conversation_id) if named else one
        found = (
            [one]
            if one
            else [each for each in await _every(snapshot) if str(each.chat_id) == chat]
        )
    if not found:
        raise NotFoundError(f"no conversation of {chat!r} is known; {SEE}")
    return found


async def _erase(settings: Settings, found: list[Conversation]) -> None:
    async with open_existing(settings) as database:
        await erase(database, found, media_links(settings, now=lambda: datetime.now(UTC)))


async def _history(settings: Settings, name: str, limit: int) -> list[HistoryMessage]:
    """Return a conversation's messages.

    Raises:
        NotFoundError: neither the bridge nor Kommo knows a conversation of this id.
    """
    if NUMBER.fullmatch(name):
        raise NotFoundError(await _not_a_number(settings, name))
    settings = await naming_account(settings)
    async with AsyncExitStack() as stack:
        chats = await stack.enter_async_context(open_channel(settings))
        found, is_known = KommoChatId(name), False  # what is not ours is Kommo's
        if is_there(settings.database):
            database = await stack.enter_async_context(Database.open(settings.database))
            kommo_chat_id, is_known = await _kommo_chat(database, chats, name)
            if kommo_chat_id is None:
                return []
            found = kommo_chat_id
        messages = await _messages(chats, found, limit)
    if not messages and not is_known:
        raise NotFoundError(f"neither the bridge nor Kommo knows a conversation {name!r}; {SEE}")
    return messages


async def _not_a_number(settings: Settings, number: str) -> str:
    """Return what to ask for in the place of a Telegram number."""
    ids: list[str] = []
    if is_there(settings.database):
        async with Database.open(settings.database) as database, database.snapshot() as snapshot:
            every = await _every(snapshot)
        ids = [one.conversation_id for one in every if str(one.chat_id) == number]
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
        wanted = min(HISTORY_PAGE, limit - len(messages))
        page = await chats.history(chat_id, offset=offset, limit=wanted)
        messages += page
        offset += page.told
        if page.told < wanted:
            break
    return messages


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


def _show_message(message: HistoryMessage) -> None:
    """Print a message; on a terminal, its further lines are indented."""
    content = message.text or message.file_name or message.media or ""
    kind = "" if message.type == "text" else f"[{message.type}] "
    at = message.at.isoformat(sep=" ", timespec="seconds")
    text = f"{at}  {message.sender.name}: {kind}{content}"
    say(*(text.replace("\n", f"\n{' ' * len(at)}  ").split("\n") if is_terminal() else [text]))
