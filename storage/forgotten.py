"""Erased chats, kept only as keyed hashes."""

from datetime import datetime

from storage.engine import Session
from storage.timestamps import from_ms, to_ms


class ForgottenReader:
    """What can be asked about forgotten chats."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def links_end_at(self, tag: str) -> datetime | None:
        """Return until when links ended that were made before a chat was forgotten, if it was."""
        rows = await self._session.rows(
            "SELECT links_end_at FROM forgotten WHERE tag = :tag", {"tag": tag}
        )
        return from_ms(rows[0][0]) if rows else None


class Forgotten(ForgottenReader):
    """What can be stored about forgotten chats, inside a transaction."""

    async def remember(self, tag: str, *, links_end_at: datetime) -> None:
        """Store that a chat is forgotten."""
        await self._session.rows(
            "INSERT INTO forgotten (tag, links_end_at) VALUES (:tag, :links_end_at) "
            "ON CONFLICT (tag) DO UPDATE SET links_end_at = excluded.links_end_at",
            {"tag": tag, "links_end_at": to_ms(links_end_at)},
        )

    async def purge(self, *, before: datetime) -> None:
        """Remove chats whose links have all ended by themselves."""
        await self._session.at_length(
            ("DELETE FROM forgotten WHERE links_end_at < :before", {"before": to_ms(before)})
        )
