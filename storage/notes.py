"""Notes: small facts that must survive a restart."""

from storage.sqlite.engine import Session


def moved_note(bot_id: int, chat_id: int) -> str:
    """Return the key of the note that says where a group went that became a supergroup."""
    return f"moved:{bot_id}:{chat_id}"


class NoteReader:
    """What can be asked of the notes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, key: str) -> str | None:
        """Return a note."""
        rows = await self._session.rows("SELECT value FROM notes WHERE key = :key", {"key": key})
        return rows[0][0] if rows else None


class Notes(NoteReader):
    """What can be done with the notes, inside a transaction."""

    async def put(self, key: str, value: str) -> None:
        """Store a note in place of an earlier one."""
        await self._session.rows(
            "INSERT INTO notes (key, value) VALUES (:key, :value) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            {"key": key, "value": value},
        )

    async def delete(self, key: str) -> None:
        """Remove a note."""
        await self._session.rows("DELETE FROM notes WHERE key = :key", {"key": key})
