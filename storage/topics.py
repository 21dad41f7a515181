"""Topics of private chats: where a client wrote last, and in which topic each message stands."""

from datetime import datetime

from storage.engine import Session
from storage.timestamps import to_ms


class TopicReader:
    """What can be asked about topics."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def newest(self, conversation_id: str) -> int | None:
        """Return the topic of the client's newest message; None for none."""
        rows = await self._session.rows(
            "SELECT thread_id FROM topics WHERE conversation_id = :id", {"id": conversation_id}
        )
        return rows[0][0] if rows else None

    async def of_message(self, conversation_id: str, telegram_message_id: int) -> int | None:
        """Return the topic that a message stands in; None for none."""
        rows = await self._session.rows(
            "SELECT thread_id FROM topic_messages WHERE conversation_id = :id "
            "AND telegram_message_id = :message_id",
            {"id": conversation_id, "message_id": telegram_message_id},
        )
        return rows[0][0] if rows else None


class Topics(TopicReader):
    """What can be stored about topics, inside a transaction."""

    async def note_client(self, conversation_id: str, thread_id: int | None) -> None:
        """Store where a client wrote last; a chat without topics has no row."""
        parameters = {"id": conversation_id, "thread_id": thread_id}
        if thread_id is None:
            await self._session.rows(
                "UPDATE topics SET thread_id = NULL WHERE conversation_id = :id", parameters
            )
            return
        await self._session.rows(
            "INSERT INTO topics (conversation_id, thread_id) VALUES (:id, :thread_id) "
            "ON CONFLICT (conversation_id) DO UPDATE SET thread_id = excluded.thread_id",
            parameters,
        )

    async def note_message(
        self,
        conversation_id: str,
        telegram_message_id: int,
        thread_id: int | None,
        *,
        now: datetime,
    ) -> None:
        """Store which topic a message stands in."""
        if thread_id is None:
            return
        await self._session.rows(
            "INSERT INTO topic_messages (conversation_id, telegram_message_id, thread_id, "
            "known_at) VALUES (:id, :message_id, :thread_id, :now) ON CONFLICT DO NOTHING",
            {
                "id": conversation_id,
                "message_id": telegram_message_id,
                "thread_id": thread_id,
                "now": to_ms(now),
            },
        )
