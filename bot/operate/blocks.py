"""Stopping clients, and letting them write again."""

from bot.errors import BridgeError
from bot.translate.ids import ID_LIMIT, parse_conversation
from storage.blocks import Block
from storage.database import Database, Snapshot

LONGEST_REASON = 500
DIGITS = 16


class NoSuchClientError(BridgeError):
    """An id names no client."""


class NotBlockedError(BridgeError):
    """A client who is not blocked cannot be unblocked."""


async def client_named(snapshot: Snapshot, name: str) -> int:
    """Return the number of a client.

    Args:
        snapshot: what is committed.
        name: the number itself, known or not; or the id of a conversation, of either side.

    Raises:
        NoSuchClientError: it is neither.
    """
    if name.isascii() and name.isdigit() and len(name) <= DIGITS and 0 < int(name) < ID_LIMIT:
        return int(name)
    address = parse_conversation(name)
    known = await snapshot.conversations.by_kommo_chat(name)
    chat_id = address.chat_id if address else known.chat_id if known else 0
    if chat_id <= 0:
        raise NoSuchClientError(
            f"{name!r} is no client: the number of a Telegram chat, or a conversation's id; "
            "see: kommo-telegram chats list"
        )
    return chat_id


async def block(
    database: Database, name: str, *, reason: str | None = None, is_both: bool = False
) -> Block:
    """Stop a client; return the block.

    Raises:
        NoSuchClientError: the name is none.
    """
    async with database.snapshot() as snapshot:
        chat_id = await client_named(snapshot, name)
    words = " ".join((reason or "").split())[:LONGEST_REASON] or None
    async with database.transaction() as tx:
        done = Block(chat_id, tx.now, words, is_both)
        await tx.blocks.put(done)
    return done


async def unblock(database: Database, name: str) -> int:
    """Let a client write again; return the client's number.

    Raises:
        NoSuchClientError: the name is none.
        NotBlockedError: the client is not blocked.
    """
    async with database.snapshot() as snapshot:
        chat_id = await client_named(snapshot, name)
    async with database.transaction() as tx:
        if not await tx.blocks.lift(chat_id):
            raise NotBlockedError(f"client {chat_id} is not blocked")
    return chat_id


async def all_blocks(database: Database) -> list[tuple[Block, str | None]]:
    """Return all blocks, each with the client's name where it is known."""
    async with database.snapshot() as snapshot:
        return [
            (one, await snapshot.conversations.name_of(one.chat_id))
            for one in await snapshot.blocks.list_all()
        ]
