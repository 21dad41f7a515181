"""Avatars: which picture each client has, and when Telegram was last asked."""

from dataclasses import dataclass
from datetime import datetime

from storage.engine import Session
from storage.timestamps import from_ms, to_ms


@dataclass(frozen=True)
class Avatar:
    """A client's profile picture, or that there is none.

    Args:
        file_id: Telegram's, for the conversation's bot; None when there is no picture.
    """

    conversation_id: str
    file_id: str | None
    checked_at: datetime


class AvatarReader:
    """What can be asked about avatars."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, conversation_id: str) -> Avatar | None:
        """Return what is known of a client's picture; None when nobody asked yet."""
        rows = await self._session.rows(
            "SELECT conversation_id, file_id, checked_at FROM avatars WHERE conversation_id = :id",
            {"id": conversation_id},
        )
        if not rows:
            return None
        found_id, file_id, checked_at = rows[0]
        return Avatar(found_id, file_id, from_ms(checked_at))


class Avatars(AvatarReader):
    """What can be stored about avatars, inside a transaction."""

    async def remember(self, avatar: Avatar) -> None:
        """Store what Telegram said last."""
        await self._session.rows(
            "INSERT INTO avatars (conversation_id, file_id, checked_at) "
            "VALUES (:conversation_id, :file_id, :checked_at) "
            "ON CONFLICT (conversation_id) DO UPDATE SET file_id = excluded.file_id, "
            "checked_at = excluded.checked_at",
            {**vars(avatar), "checked_at": to_ms(avatar.checked_at)},
        )
