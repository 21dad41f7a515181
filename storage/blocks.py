"""Blocked clients: nothing that they write makes a call to Kommo."""

from dataclasses import dataclass
from datetime import datetime

from storage.engine import Row, Session
from storage.timestamps import from_ms, to_ms

COLUMNS = "chat_id, reason, is_both, blocked_at"


@dataclass(frozen=True)
class Block:
    """A client who is stopped.

    Args:
        chat_id: Telegram's number of the client.
        is_both: whether managers' answers do not go out either.
    """

    chat_id: int
    at: datetime
    reason: str | None = None
    is_both: bool = False


class BlockReader:
    """What can be asked about blocked clients."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def of(self, chat_id: int) -> Block | None:
        """Return the block of a client, if there is one."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM blocks WHERE chat_id = :chat_id", {"chat_id": chat_id}
        )
        return _block(rows[0]) if rows else None

    async def list_all(self) -> list[Block]:
        """Return all blocks, the oldest first."""
        rows = await self._session.rows(f"SELECT {COLUMNS} FROM blocks ORDER BY blocked_at")
        return [_block(row) for row in rows]

    async def chat_ids(self) -> frozenset[int]:
        """Return who is blocked."""
        rows = await self._session.rows("SELECT chat_id FROM blocks")
        return frozenset(row[0] for row in rows)


class Blocks(BlockReader):
    """What can be stored about blocked clients, inside a transaction."""

    async def put(self, block: Block) -> None:
        """Block a client, or give an earlier block another reason and reach."""
        await self._session.rows(
            f"INSERT INTO blocks ({COLUMNS}) VALUES (:chat_id, :reason, :is_both, :blocked_at) "
            "ON CONFLICT (chat_id) DO UPDATE SET reason = excluded.reason, "
            "is_both = excluded.is_both",
            {
                "chat_id": block.chat_id,
                "reason": block.reason,
                "is_both": int(block.is_both),
                "blocked_at": to_ms(block.at),
            },
        )

    async def lift(self, chat_id: int) -> bool:
        """Let a client write again; tell whether there was a block."""
        rows = await self._session.rows(
            "DELETE FROM blocks WHERE chat_id = :chat_id RETURNING 1", {"chat_id": chat_id}
        )
        return bool(rows)


def _block(row: Row) -> Block:
    chat_id, reason, is_both, blocked_at = row
    return Block(chat_id, from_ms(blocked_at), reason, bool(is_both))
