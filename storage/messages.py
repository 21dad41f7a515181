"""Message ids of both sides, and delivery status."""

from datetime import datetime

from storage.message_reader import MessageReader, ReceivedMessage, SentPart
from storage.timestamps import to_ms

DELIVERED, READ, ERROR = 1, 2, -1
"""Statuses as Kommo numbers them; NULL is none yet."""

STANDS_IN_TOPIC = (
    "INSERT INTO topic_messages (conversation_id, telegram_message_id, thread_id, known_at) "
    "VALUES (:conversation_id, :telegram_message_id, :thread_id, :at) ON CONFLICT DO NOTHING"
)


class Messages(MessageReader):
    """What can be stored about messages, inside a transaction."""

    async def remember_incoming(self, message: ReceivedMessage) -> None:
        """Store a client's message; one that is known stays as it is."""
        await self._session.rows(
            "INSERT INTO messages (bot_id, business_user_id, chat_id, telegram_message_id, "
            "conversation_id, direction, external_id, part, content_hash, at) VALUES (:bot_id, "
            ":business_user_id, :chat_id, :telegram_message_id, :conversation_id, :direction, "
            ":external_id, :part, :content_hash, :at) ON CONFLICT DO NOTHING",
            {**vars(message), "at": to_ms(message.at)},
        )

    async def remember_outgoing(self, part: SentPart) -> None:
        """Store a Telegram message of a manager's message, and when its conversation had it."""
        parameters = {**vars(part), "at": to_ms(part.at)}
        topic = [(STANDS_IN_TOPIC, parameters)] if part.thread_id is not None else []
        await self._session.batch(
            *topic,
            (
                "INSERT INTO messages (bot_id, business_user_id, chat_id, telegram_message_id, "
                "conversation_id, direction, kommo_message_id, part, at) VALUES (:bot_id, "
                ":business_user_id, :chat_id, :telegram_message_id, :conversation_id, 'outgoing', "
                ":kommo_message_id, :part, :at) ON CONFLICT DO NOTHING",
                parameters,
            ),
            (
                "INSERT INTO deliveries (kommo_message_id, conversation_id, sent_at) "
                "VALUES (:kommo_message_id, :conversation_id, :at) "
                "ON CONFLICT (kommo_message_id) DO UPDATE SET sent_at = excluded.sent_at, "
                "conversation_id = excluded.conversation_id",
                parameters,
            ),
            (
                "UPDATE conversations SET last_outgoing_at = :at "
                "WHERE conversation_id = :conversation_id "
                "AND (last_outgoing_at IS NULL OR last_outgoing_at < :at)",
                parameters,
            ),
        )

    async def bind_kommo(self, external_id: str, kommo_message_id: str) -> None:
        """Store what Kommo calls a client's message."""
        await self._session.rows(
            "UPDATE messages SET kommo_message_id = :kommo_message_id "
            "WHERE external_id = :external_id",
            {"external_id": external_id, "kommo_message_id": kommo_message_id},
        )

    async def mark_deleted(self, kommo_message_id: str, *, now: datetime) -> bool:
        """Store that a manager's message is gone, whatever was told of it; True if it is news."""
        rows = await self._session.rows(
            "UPDATE deliveries SET status = -1, known_at = :now "
            "WHERE kommo_message_id = :id AND (status IS NULL OR status <> -1) RETURNING 1",
            {"id": kommo_message_id, "now": to_ms(now)},
        )
        return bool(rows)

    async def change_content(self, external_id: str, content_hash: str) -> bool:
        """Store that a client's message has another content; tell whether it has."""
        rows = await self._session.rows(
            "UPDATE messages SET content_hash = :content_hash WHERE external_id = :external_id "
            "AND (content_hash IS NULL OR content_hash <> :content_hash) RETURNING 1",
            {"external_id": external_id, "content_hash": content_hash},
        )
        return bool(rows)

    async def set_status(
        self,
        kommo_message_id: str,
        status: int,
        *,
        now: datetime,
        conversation_id: str | None = None,
    ) -> bool:
        """Move a message's status forward: none → delivered → read, or none → error → delivered.

        Returns:
            whether it moved; it never goes backwards.
        """
        rows = await self._session.rows(
            "INSERT INTO deliveries (kommo_message_id, conversation_id, status, known_at) "
            "VALUES (:id, :conversation_id, :status, :now) "
            "ON CONFLICT (kommo_message_id) DO UPDATE SET status = excluded.status "
            "WHERE deliveries.status IS NULL OR (deliveries.status = 1 AND excluded.status = 2) "
            "OR (deliveries.status = -1 AND excluded.status = 1) "
            "RETURNING 1",
            {
                "id": kommo_message_id,
                "conversation_id": conversation_id,
                "status": status,
                "now": to_ms(now),
            },
        )
        return bool(rows)
