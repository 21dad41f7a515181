"""Erase a conversation from every table.

A table that keeps something of a client has to be named here.
"""

from storage.engine import Session
from storage.queue.attempts import without_items

TABLES = (
    "inbox",
    "outbox",
    "messages",
    "deliveries",
    "buttons",
    "presses",
    "avatars",
    "invitation_uses",
    "conversation_chats",
    "doubts",
    "imported",
    "floods",
    "conversations",
)
"""What is kept of a conversation; its own row comes last."""


async def erase(session: Session, conversation_id: str) -> bool:
    """Erase a conversation with all that belongs to it; tell whether there was one."""
    conversation = {"conversation_id": conversation_id}
    await session.at_length(
        (
            "DELETE FROM invitations WHERE is_single = 1 AND payload IN (SELECT payload "
            "FROM invitation_uses WHERE conversation_id = :conversation_id)",
            conversation,
        ),
        (
            "DELETE FROM outbox WHERE state = 'dead' AND state <> 'done' "
            "AND conversation_id IS NULL AND json_valid(payload) "
            "AND EXISTS (SELECT 1 FROM json_tree(payload) WHERE json_tree.key = 'id' "
            "AND json_tree.atom = (SELECT chat_id FROM conversations "
            "WHERE conversation_id = :conversation_id))",
            conversation,
        ),
    )
    results = await session.at_length(
        *(
            (
                f"DELETE FROM {table} WHERE conversation_id = :conversation_id "
                "RETURNING conversation_id",
                {"conversation_id": conversation_id},
            )
            for table in TABLES
        ),
        *without_items(),
    )
    return bool(results[len(TABLES) - 1])
