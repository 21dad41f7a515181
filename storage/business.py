"""Business accounts that bots answer for: connections, and what was deleted in their chats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.engine import Row, Session
from storage.timestamps import from_ms, to_ms

COLUMNS = (
    "connection_id, bot_id, business_user_id, name, is_enabled, can_reply, can_read, "
    "connected_at, known_at"
)
CURRENT = "ORDER BY is_enabled DESC, connected_at DESC, known_at DESC, connection_id DESC"
"""An account has one connection at a time: the newest that its owner has not ended."""


@dataclass(frozen=True)
class BusinessConnection:
    """A business account's connection to a bot.

    Args:
        business_user_id: the account's owner.
        name: of the owner.
        is_enabled: whether the owner has not ended it.
        can_reply: whether the bot may write for the owner.
        can_read: whether it may mark messages read.
        connected_at: when the owner connected the bot, by Telegram's clock.
        known_at: when this was last learned, by ours.
    """

    connection_id: str
    bot_id: int
    business_user_id: int
    name: str
    connected_at: datetime
    known_at: datetime
    is_enabled: bool = True
    can_reply: bool = False
    can_read: bool = False

    @property
    def can_be_used(self) -> bool:
        """Tell whether answers can go out through it."""
        return self.is_enabled and self.can_reply


@dataclass(frozen=True)
class BusinessChat:
    """A chat of a business account.

    Args:
        conversation_id: our id of it.
    """

    conversation_id: str
    bot_id: int
    business_user_id: int
    chat_id: int


class BusinessReader:
    """What can be asked about business accounts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, connection_id: str) -> BusinessConnection | None:
        """Return a connection by Telegram's id."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM business_connections WHERE connection_id = :connection_id",
            {"connection_id": connection_id},
        )
        return _connection(rows[0]) if rows else None

    async def current(self, bot_id: int, business_user_id: int) -> BusinessConnection | None:
        """Return the connection of an account that counts now."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM business_connections WHERE bot_id = :bot_id "
            f"AND business_user_id = :business_user_id {CURRENT} LIMIT 1",
            {"bot_id": bot_id, "business_user_id": business_user_id},
        )
        return _connection(rows[0]) if rows else None

    async def accounts(self, bot_id: int | None = None) -> list[BusinessConnection]:
        """Return the current connection of each account, of one bot or of all."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM business_connections "
            f"WHERE :bot_id IS NULL OR bot_id = :bot_id {CURRENT}",
            {"bot_id": bot_id},
        )
        found: dict[tuple[int, int], BusinessConnection] = {}
        for connection in map(_connection, rows):
            found.setdefault((connection.bot_id, connection.business_user_id), connection)
        return sorted(found.values(), key=lambda one: (one.bot_id, one.name, one.connection_id))

    async def deleted(self, chat: BusinessChat, message_ids: Iterable[int]) -> frozenset[int]:
        """Return which messages of a chat were deleted, of some."""
        rows = await self._session.rows(
            "SELECT telegram_message_id FROM business_deletions WHERE bot_id = :bot_id "
            "AND business_user_id = :business_user_id AND chat_id = :chat_id",
            {
                "bot_id": chat.bot_id,
                "business_user_id": chat.business_user_id,
                "chat_id": chat.chat_id,
            },
        )
        return frozenset(message_ids) & {row[0] for row in rows}


class Business(BusinessReader):
    """What can be stored about business accounts, inside a transaction."""

    async def save(self, connection: BusinessConnection) -> None:
        """Store a connection, as it is now."""
        await self._session.rows(
            f"INSERT INTO business_connections ({COLUMNS}) VALUES (:connection_id, :bot_id, "
            ":business_user_id, :name, :is_enabled, :can_reply, :can_read, :connected_at, "
            ":known_at) ON CONFLICT (connection_id) DO UPDATE SET name = excluded.name, "
            "is_enabled = excluded.is_enabled, can_reply = excluded.can_reply, "
            "can_read = excluded.can_read, connected_at = excluded.connected_at, "
            "known_at = excluded.known_at",
            {
                **vars(connection),
                "is_enabled": int(connection.is_enabled),
                "can_reply": int(connection.can_reply),
                "can_read": int(connection.can_read),
                "connected_at": to_ms(connection.connected_at),
                "known_at": to_ms(connection.known_at),
            },
        )

    async def end(self, connection_id: str, *, now: datetime) -> None:
        """Store that a connection is over."""
        await self._session.rows(
            "UPDATE business_connections SET is_enabled = 0, known_at = :now "
            "WHERE connection_id = :connection_id",
            {"connection_id": connection_id, "now": to_ms(now)},
        )

    async def add_deleted(
        self, chat: BusinessChat, message_ids: Sequence[int], *, now: datetime
    ) -> None:
        """Store that messages of a chat were deleted."""
        for message_id in message_ids:
            await self._session.rows(
                "INSERT INTO business_deletions (bot_id, business_user_id, chat_id, "
                "telegram_message_id, conversation_id, at) VALUES (:bot_id, :business_user_id, "
                ":chat_id, :message_id, :conversation_id, :at) ON CONFLICT DO NOTHING",
                {**vars(chat), "message_id": message_id, "at": to_ms(now)},
            )


def _connection(row: Row) -> BusinessConnection:
    (
        connection_id, bot_id, business_user_id, name, is_enabled, can_reply, can_read,
        connected_at, known_at,
    ) = row  # fmt: skip
    return BusinessConnection(
        connection_id=connection_id,
        bot_id=bot_id,
        business_user_id=business_user_id,
        name=name,
        connected_at=from_ms(connected_at),
        known_at=from_ms(known_at),
        is_enabled=bool(is_enabled),
        can_reply=bool(can_reply),
        can_read=bool(can_read),
    )
