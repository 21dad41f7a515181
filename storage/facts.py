"""Facts: key and value, for the little that must survive a restart."""

from storage.engine import Session


def moved_key(bot_id: int, chat_id: int) -> str:
    """Return the key under which it is kept where a group went that became a supergroup."""
    return f"moved:{bot_id}:{chat_id}"


class FactReader:
    """Reads facts. Their table is named `notes`, as databases have known it from the start."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, key: str) -> str | None:
        """Return a fact's value; None when there is none."""
        rows = await self._session.rows("SELECT value FROM notes WHERE key = :key", {"key": key})
        return rows[0][0] if rows else None


class Facts(FactReader):
    """Stores and removes facts, inside a transaction."""

    async def put(self, key: str, value: str) -> None:
        """Store a fact in place of an earlier one."""
        await self._session.rows(
            "INSERT INTO notes (key, value) VALUES (:key, :value) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            {"key": key, "value": value},
        )

    async def delete(self, key: str) -> None:
        """Remove a fact, if there is one."""
        await self._session.rows("DELETE FROM notes WHERE key = :key", {"key": key})
