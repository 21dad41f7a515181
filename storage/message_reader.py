"""Read which message is which on the other side, and how far each got."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.engine import Row, Session, batches, names_of
from storage.timestamps import from_ms, to_ms

COLUMNS = (
    "bot_id, business_user_id, chat_id, telegram_message_id, conversation_id, direction, "
    "external_id, kommo_message_id, part, content_hash, at"
)


@dataclass(frozen=True)
class ReceivedMessage:
    """A client's message, as Telegram numbers it and as Kommo knows it."""

    external_id: str
    conversation_id: str
    bot_id: int
    chat_id: int
    telegram_message_id: int
    at: datetime
    business_user_id: int = 0
    part: int = 1
    content_hash: str | None = None
    direction: Literal["incoming", "outgoing"] = "incoming"
    """Outgoing: the owner of a business account wrote it, outside Kommo."""


@dataclass(frozen=True)
class SentPart:
    """One Telegram message of a manager's message."""

    kommo_message_id: str
    conversation_id: str
    bot_id: int
    chat_id: int
    telegram_message_id: int
    at: datetime
    business_user_id: int = 0
    part: int = 1
    thread_id: int | None = None
    """The topic that it stands in; None for none."""


@dataclass(frozen=True)
class StoredMessage:
    """One row: a Telegram message that crossed the bridge."""

    bot_id: int
    business_user_id: int
    chat_id: int
    telegram_message_id: int
    conversation_id: str
    direction: Literal["incoming", "outgoing"]
    external_id: str | None
    kommo_message_id: str | None
    part: int
    content_hash: str | None
    at: datetime


class MessageReader:
    """What can be asked about messages."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def by_external_id(self, external_id: str) -> StoredMessage | None:
        """Return a client's message by our id."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM messages WHERE external_id = :external_id LIMIT 1",
            {"external_id": external_id},
        )
        return _message(rows[0]) if rows else None

    async def by_kommo_message(self, kommo_message_id: str) -> list[StoredMessage]:
        """Return the Telegram messages of a message by Kommo's id, in order."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM messages WHERE kommo_message_id = :id ORDER BY part",
            {"id": kommo_message_id},
        )
        return [_message(row) for row in rows]

    async def conversation_of(self, kommo_message_id: str) -> str | None:
        """Return whose a message is by Kommo's id: the client's or a manager's."""
        rows = await self._session.rows(
            "SELECT conversation_id FROM messages WHERE kommo_message_id = :id UNION ALL "
            "SELECT conversation_id FROM deliveries WHERE kommo_message_id = :id "
            "AND conversation_id IS NOT NULL LIMIT 1",
            {"id": kommo_message_id},
        )
        return rows[0][0] if rows else None

    async def by_telegram(
        self, bot_id: int, chat_id: int, telegram_message_id: int, business_user_id: int = 0
    ) -> StoredMessage | None:
        """Return a message by its place in Telegram: its first part."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM messages WHERE bot_id = :bot_id AND chat_id = :chat_id "
            "AND telegram_message_id = :telegram_message_id "
            "AND business_user_id = :business_user_id ORDER BY part LIMIT 1",
            {
                "bot_id": bot_id,
                "chat_id": chat_id,
                "telegram_message_id": telegram_message_id,
                "business_user_id": business_user_id,
            },
        )
        return _message(rows[0]) if rows else None

    async def known_external(self, external_ids: Iterable[str]) -> set[str]:
        """Return those of our ids that clients' messages have."""
        return await self._known("messages", "external_id", external_ids)

    async def known_kommo(self, kommo_message_ids: Iterable[str]) -> set[str]:
        """Return those of Kommo's ids that messages of either side have."""
        ids = list(kommo_message_ids)
        known = await self._known("messages", "kommo_message_id", ids)
        return known | await self._known("deliveries", "kommo_message_id", ids)

    async def has_reached_kommo(self, conversation_id: str) -> bool:
        """Tell whether Kommo has a message of a conversation."""
        return bool(
            await self._session.rows(
                "SELECT 1 FROM messages WHERE conversation_id = :id "
                "AND kommo_message_id IS NOT NULL LIMIT 1",
                {"id": conversation_id},
            )
        )

    async def reached_kommo(self, conversation_ids: Iterable[str]) -> set[str]:
        """Return those of the conversations of which Kommo has a message."""
        found: set[str] = set()
        for batch in batches(conversation_ids):
            rows = await self._session.rows(
                "SELECT DISTINCT conversation_id FROM messages WHERE kommo_message_id IS NOT NULL "
                f"AND conversation_id IN ({names_of(batch)})",
                batch,
            )
            found.update(row[0] for row in rows)
        return found

    async def first_at(self, conversation_id: str) -> datetime | None:
        """Return when a client wrote the first message that is known, by Telegram's clock."""
        ((first,),) = await self._session.rows(
            "SELECT min(at) FROM messages WHERE conversation_id = :id AND direction = 'incoming'",
            {"id": conversation_id},
        )
        return None if first is None else from_ms(first)

    async def between(
        self, conversation_id: str, first: datetime, last: datetime
    ) -> list[StoredMessage]:
        """Return the messages of a conversation from one moment to another."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM messages WHERE conversation_id = :id "
            "AND at BETWEEN :first AND :last",
            {"id": conversation_id, "first": to_ms(first), "last": to_ms(last)},
        )
        return [_message(row) for row in rows]

    async def _known(self, table: str, column: str, values: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for batch in batches(values):
            rows = await self._session.rows(
                f"SELECT {column} FROM {table} WHERE {column} IN ({names_of(batch)})", batch
            )
            found.update(row[0] for row in rows)
        return found

    async def newest_of(self, conversation_id: str) -> StoredMessage | None:
        """Return the newest message of a conversation."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM messages WHERE conversation_id = :conversation_id "
            "ORDER BY at DESC, telegram_message_id DESC LIMIT 1",
            {"conversation_id": conversation_id},
        )
        return _message(rows[0]) if rows else None

    async def newest_heard(self, conversation_id: str) -> int | None:
        """Return Telegram's id of the client's newest message of a conversation."""
        ((newest,),) = await self._session.rows(
            "SELECT max(telegram_message_id) FROM messages WHERE conversation_id = :id "
            "AND direction = 'incoming'",
            {"id": conversation_id},
        )
        return None if newest is None else int(newest)

    async def in_chat(self, chat_id: int, telegram_message_id: int) -> list[StoredMessage]:
        """Return messages by their place in Telegram, whichever bot's chat it is."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM messages WHERE chat_id = :chat_id "
            "AND telegram_message_id = :telegram_message_id ORDER BY bot_id, part",
            {"chat_id": chat_id, "telegram_message_id": telegram_message_id},
        )
        return [_message(row) for row in rows]

    async def unread_up_to(self, conversation_id: str, telegram_message_id: int) -> list[str]:
        """Return Kommo's ids of what is delivered, not known to be read, and up to a message.

        That is, whose parts have no greater id in the chat, and whatever has that very message as
        one of its parts.
        """
        rows = await self._session.rows(
            "SELECT kommo_message_id FROM deliveries WHERE status = 1 "
            "AND conversation_id = :conversation_id AND (SELECT "
            "max(telegram_message_id) <= :up_to OR max(telegram_message_id = :up_to) "
            "FROM messages WHERE messages.kommo_message_id = deliveries.kommo_message_id "
            "AND direction = 'outgoing') ORDER BY sent_at",
            {"conversation_id": conversation_id, "up_to": telegram_message_id},
        )
        return [row[0] for row in rows]

    async def status_of(self, kommo_message_id: str) -> int | None:
        """Return the status of a manager's message; None when it has none yet."""
        rows = await self._session.rows(
            "SELECT status FROM deliveries WHERE kommo_message_id = :id", {"id": kommo_message_id}
        )
        return rows[0][0] if rows else None


def _message(row: Row) -> StoredMessage:
    (
        bot_id, business_user_id, chat_id, telegram_message_id, conversation_id, direction,
        external_id, kommo_message_id, part, content_hash, at,
    ) = row  # fmt: skip
    return StoredMessage(
        bot_id=bot_id,
        business_user_id=business_user_id,
        chat_id=chat_id,
        telegram_message_id=telegram_message_id,
        conversation_id=conversation_id,
        direction=direction,
        external_id=external_id,
        kommo_message_id=kommo_message_id,
        part=part,
        content_hash=content_hash,
        at=from_ms(at),
    )
