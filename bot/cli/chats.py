"""`chats list`, `history`, `forget`: the conversations, what was said, and how to erase them."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import typer

from bot.cli.terminal import is_terminal, say, show_json, show_table
from bot.errors import BridgeError
from bot.operate.channel import open_channel
from bot.operate.existing import is_there, open_existing
from bot.operate.forget import erase, media_links
from bot.operate.kommo import naming_account
from bot.settings import Settings
from bot.translate.ids import participant_id
from kommo.answers import HistoryMessage
from kommo.chats import ChatsApi
from kommo.ids import ConversationId, KommoChatId
from kommo.models import NewChat, Person
from storage.conversations import Conversation
from storage.database import Database, Snapshot
from storage.openings import Opening

PAGE = 1000
HISTORY_PAGE = 50
COLUMNS = ("conversation", "chat", "bot", "name", "phone", "last heard of")
KEYS = ("conversation_id", "chat_id", "bot", "name", "phone", "last_incoming_at")


class NotFoundError(BridgeError):
    """No conversation is of this id."""


def list_chats(settings: Settings, *, as_json: bool) -> None:
    """Print every known conversation."""
    names = {bot.bot_id: bot.name or str(bot.bot_id) for bot in settings.telegram.bots}
    rows = [_row(found, names) for found in asyncio.run(_all(settings))]
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
        typer.confirm(f"Erase all that is kept of {ids}?", abort=True, err=True)
    asyncio.run(_erase(settings, found))
    for conversation in found:
        say(f"{conversation.conversation_id}: erased here; Kommo keeps its own copy")


async def _all(settings: Settings) -> list[Conversation]:
    async with open_existing(settings) as database, database.snapshot() as snapshot:
        return await _every(snapshot)


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
        begun = None if one else await _begun(snapshot, chat)
        one = await snapshot.conversations.get(begun.conversation_id) if begun else one
        found = (
            [one]
            if one
            else [each for each in await _every(snapshot) if str(each.chat_id) == chat]
        )
    if not found:
        raise NotFoundError(
            f"no conversation of {chat!r} is known; see: kommo-telegram chats list"
        )
    return found


async def _begun(snapshot: Snapshot, name: str) -> Opening | None:
    """Return the chat of either side's id that a manager began."""
    return await snapshot.openings.by_kommo_chat(name) or await snapshot.openings.by_name(name)


async def _erase(settings: Settings, found: list[Conversation]) -> None:
    async with open_existing(settings) as database:
        await erase(database, found, media_links(settings, now=lambda: datetime.now(UTC)))


async def _history(settings: Settings, name: str, limit: int) -> list[HistoryMessage]:
    settings, known = await naming_account(settings), None
    if is_there(settings.database):
        async with Database.open(settings.database) as database, database.snapshot() as snapshot:
            known = await snapshot.conversations.get(name)
            begun = None if known else await _begun(snapshot, name)
            name = begun.kommo_chat_id if begun else name
    async with open_channel(settings) as chats:
        chat_id = await _kommo_chat(chats, name, known)
        messages: list[HistoryMessage] = []
        while len(messages) < limit:
            wanted = min(HISTORY_PAGE, limit - len(messages))
            page = await chats.history(chat_id, offset=len(messages), limit=wanted)
            messages += page
            if len(page) < wanted:
                break
        return messages


async def _kommo_chat(chats: ChatsApi, name: str, known: Conversation | None) -> KommoChatId:
    """Return Kommo's id of a conversation; what is not one of ours is taken for it."""
    if known is None:
        return KommoChatId(name)
    if known.kommo_chat_id:
        return KommoChatId(known.kommo_chat_id)
    user = Person(id=participant_id(known.chat_id), name=known.name)
    chat = NewChat(conversation_id=ConversationId(known.conversation_id), user=user)
    return (await chats.create_chat(chat)).kommo_chat_id


def _row(found: Conversation, names: Mapping[int, str]) -> dict[str, Any]:
    heard = found.last_incoming_at
    return {
        "conversation_id": found.conversation_id,
        "kommo_chat_id": found.kommo_chat_id,
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
