"""By which id a conversation goes on in Kommo: the newest chat that a manager started answers.

Reference: Kommo, Chat capabilities (Write First): the client's first answer names both sides.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.translate.aliases import Alias, numbered, plain
from kommo.ids import KommoChatId, KommoUserId
from storage.conversation_chats import ConversationChat
from storage.database import Database
from storage.patience import persist


async def newest_started(database: Database, conversation_id: str) -> ConversationChat | None:
    """Return the newest chat that a manager started with a client."""
    async with database.snapshot() as snapshot:
        return await snapshot.conversation_chats.newest_started(conversation_id)


def aliases_to_try(conversation_id: str, started: ConversationChat | None) -> Sequence[Alias]:
    """Return the aliases to try for a message, in order; a refused one leads to the next."""
    usual = plain(conversation_id)
    if started is None:
        return (usual,)
    own = numbered(conversation_id, started.number)
    if started.state == "bound":
        return (own,) if started.alias == own.conversation_id else (usual,)
    chat_id = KommoChatId(started.kommo_chat_id)
    user_id = KommoUserId(started.kommo_user_id) if started.kommo_user_id else None
    binding = [
        replace(alias, kommo_chat_id=chat_id, kommo_user_id=user_id) for alias in (usual, own)
    ]
    return (*binding, usual)


def known_aliases(conversation_id: str, started: ConversationChat | None) -> Sequence[Alias]:
    """Return the aliases that a message of a conversation may be known by, the newest first."""
    usual = plain(conversation_id)
    if started is None:
        return (usual,)
    newest = aliases_to_try(conversation_id, started)[0]
    return (newest,) if newest == usual else (newest, usual)


async def note_alias(database: Database, started: ConversationChat, alias: Alias) -> None:
    """Store by which id a chat is about to be bound."""
    await persist(
        database,
        lambda tx: tx.conversation_chats.set_state(
            started.kommo_chat_id, "open", alias.conversation_id
        ),
    )


async def note_bound(database: Database, started: ConversationChat, alias: str | None) -> None:
    """Store that a chat is bound."""
    await persist(
        database,
        lambda tx: tx.conversation_chats.set_state(started.kommo_chat_id, "bound", alias),
    )


async def note_refused(database: Database, started: ConversationChat) -> None:
    """Store that Kommo refused every alias: the client's answers go on where they went before."""
    await persist(
        database,
        lambda tx: tx.conversation_chats.set_state(started.kommo_chat_id, "refused", None),
    )
