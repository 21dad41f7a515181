"""Doubts: until when it is not known what was delivered in a conversation."""

from datetime import datetime

from storage.engine import Session
from storage.timestamps import from_ms, to_ms


class DoubtReader:
    """What can be asked about doubts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def until(self, conversation_id: str) -> datetime | None:
        """Return until when it is not known what was delivered; None: it is known."""
        rows = await self._session.rows(
            "SELECT doubtful_until FROM doubts WHERE conversation_id = :id",
            {"id": conversation_id},
        )
        return from_ms(rows[0][0]) if rows else None


class Doubts(DoubtReader):
    """What can be stored about doubts, inside a transaction."""

    async def save(self, conversation_id: str, *, until: datetime) -> None:
        """Store a doubt; one that lasts longer stays."""
        await self._session.rows(
            "INSERT INTO doubts (conversation_id, doubtful_until) VALUES (:id, :until) "
            "ON CONFLICT (conversation_id) DO UPDATE SET "
            "doubtful_until = max(doubtful_until, excluded.doubtful_until)",
            {"id": conversation_id, "until": to_ms(until)},
        )
