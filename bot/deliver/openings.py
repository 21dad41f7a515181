"""Under which name a conversation goes on in Kommo: the newest that a manager began answers.

Reference: Kommo, Chat capabilities (Write First): the client's first answer names both sides.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.patience import persist
from bot.translate.voices import Voice, numbered, plain
from kommo.ids import KommoChatId, KommoUserId
from storage.database import Database, Transaction
from storage.openings import Opening


async def newest_opening(database: Database, conversation_id: str) -> Opening | None:
    """Return the newest chat that a manager began with a client."""
    async with database.snapshot() as snapshot:
        return await snapshot.openings.newest(conversation_id)


def voices(conversation_id: str, opening: Opening | None) -> Sequence[Voice]:
    """Return the names to try for a message, in order; a refused one leads to the next."""
    usual = plain(conversation_id)
    if opening is None:
        return (usual,)
    own = numbered(conversation_id, opening.number)
    if opening.state == "bound":
        return (own,) if opening.name == own.conversation_id else (usual,)
    chat_id = KommoChatId(opening.kommo_chat_id)
    user_id = KommoUserId(opening.kommo_user_id) if opening.kommo_user_id else None
    tying = [
        replace(voice, kommo_chat_id=chat_id, kommo_user_id=user_id) for voice in (usual, own)
    ]
    return (*tying, usual)


def known_names(conversation_id: str, opening: Opening | None) -> Sequence[Voice]:
    """Return the names that a message of a conversation may be known by, the newest first."""
    usual = plain(conversation_id)
    if opening is None:
        return (usual,)
    newest = voices(conversation_id, opening)[0]
    return (newest,) if newest == usual else (newest, usual)


async def note_name(database: Database, opening: Opening, voice: Voice) -> None:
    """Store under which name a chat is about to be tied."""
    await persist(
        database,
        lambda tx: tx.openings.set_state(opening.kommo_chat_id, "open", voice.conversation_id),
    )


async def note_bound(database: Database, opening: Opening, name: str | None) -> None:
    """Store that a chat is tied; from here on it is the conversation's."""

    async def store(tx: Transaction) -> None:
        await tx.openings.set_state(opening.kommo_chat_id, "bound", name)
        await tx.conversations.bind_kommo(
            opening.conversation_id, opening.kommo_chat_id, opening.kommo_user_id
        )

    await persist(database, store)


async def note_refused(database: Database, opening: Opening) -> None:
    """Store that Kommo refused every name: the client's answers go on where they went before."""
    await persist(
        database, lambda tx: tx.openings.set_state(opening.kommo_chat_id, "refused", None)
    )
