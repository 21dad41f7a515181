"""Pressed buttons: the last press under each message, to know it when it is sent again."""

from datetime import datetime

from storage.engine import Session
from storage.timestamps import to_ms


class Presses:
    """What can be stored about presses, inside a transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def remember(
        self,
        conversation_id: str,
        message_id: int,
        fingerprint: str,
        *,
        now: datetime,
        unlike: datetime,
    ) -> bool:
        """Store a press; tell whether it is another than the last one under its message.

        The same one is another, too, if the last one was stored before `unlike`.
        """
        rows = await self._session.rows(
            "INSERT INTO presses (conversation_id, message_id, fingerprint, pressed_at) "
            "VALUES (:conversation_id, :message_id, :fingerprint, :now) "
            "ON CONFLICT (conversation_id, message_id) DO UPDATE SET "
            "fingerprint = excluded.fingerprint, pressed_at = excluded.pressed_at "
            "WHERE fingerprint <> excluded.fingerprint OR pressed_at < :unlike "
            "OR pressed_at > excluded.pressed_at RETURNING 1",
            {
                "conversation_id": conversation_id,
                "message_id": message_id,
                "fingerprint": fingerprint,
                "now": to_ms(now),
                "unlike": to_ms(unlike),
            },
        )
        return bool(rows)

    async def purge(self, *, before: datetime) -> None:
        """Remove presses of before a moment."""
        await self._session.at_length(
            ("DELETE FROM presses WHERE pressed_at < :before", {"before": to_ms(before)})
        )
