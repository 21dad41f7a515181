"""Floods: the last notice of each conversation in which more came than is shown."""

from dataclasses import dataclass

from storage.engine import Session


@dataclass(frozen=True)
class Flood:
    """What the last notice of a conversation speaks of.

    Args:
        notice_key: the dedupe key of its item.
        held: how many messages.
    """

    conversation_id: str
    notice_key: str
    held: int


class Floods:
    """What is asked and stored about floods, inside a transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def last_of(self, conversation_id: str) -> Flood | None:
        """Return the last notice of a conversation."""
        rows = await self._session.rows(
            "SELECT notice_key, held FROM floods WHERE conversation_id = :conversation_id",
            {"conversation_id": conversation_id},
        )
        return Flood(conversation_id, *rows[0]) if rows else None

    async def put(self, flood: Flood) -> None:
        """Store what the last notice speaks of."""
        await self._session.rows(
            "INSERT INTO floods (conversation_id, notice_key, held) "
            "VALUES (:conversation_id, :notice_key, :held) "
            "ON CONFLICT (conversation_id) DO UPDATE SET notice_key = excluded.notice_key, "
            "held = excluded.held",
            vars(flood),
        )
