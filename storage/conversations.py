"""Conversations: a Telegram chat and its Kommo counterpart."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from storage.engine import Row, Session, batches, names_of
from storage.kept import Whose, erasing
from storage.timestamps import from_ms, optional_moment, optional_ms, to_ms

COLUMNS = (
    "conversation_id, bot_id, business_user_id, chat_id, name, username, phone, source_id, "
    "is_reachable, created_at, last_incoming_at, last_outgoing_at, contact_id, reachability_at"
)

STOPPED = "SELECT is_both FROM blocks WHERE blocks.chat_id = conversations.chat_id"
TOPIC = "SELECT thread_id FROM topics WHERE topics.conversation_id = conversations.conversation_id"
SELECTED = f"{COLUMNS}, ({STOPPED}), ({TOPIC})"


@dataclass(frozen=True)
class Conversation:
    """One row: who it is with, and where."""

    conversation_id: str
    bot_id: int
    chat_id: int
    name: str
    created_at: datetime
    business_user_id: int = 0
    username: str | None = None
    phone: str | None = None
    source_id: str | None = None
    is_reachable: bool = True
    last_incoming_at: datetime | None = None
    """When the client spoke last; None for one of whom only notices were told."""

    last_outgoing_at: datetime | None = None
    contact_id: int | None = None
    """Kommo's contact that the bridge linked it to; set by `set_contact` alone."""

    reachability_at: datetime | None = field(default=None, compare=False)
    """When it was last learned whether the client lets the bot write; by our clock."""

    is_stopped: bool = field(default=False, compare=False)
    """Whether an operator blocked the client, for answers too."""

    topic_id: int | None = field(default=None, compare=False)
    """The topic in which the client wrote last; None for none."""


class ConversationReader:
    """What can be asked about conversations."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, conversation_id: str) -> Conversation | None:
        """Return one by our id."""
        return await self._one("conversation_id = :value", conversation_id)

    async def all_of(self, conversation_ids: Iterable[str]) -> dict[str, Conversation]:
        """Return those that are known of some, by our ids."""
        found: dict[str, Conversation] = {}
        for batch in batches(conversation_ids):
            condition = f"conversation_id IN ({names_of(batch)})"
            rows = await self._session.rows(
                f"SELECT {SELECTED} FROM conversations WHERE {condition}", batch
            )
            found |= {row[0]: _conversation(row) for row in rows}
        return found

    async def by_kommo_chat(self, kommo_chat_id: str) -> Conversation | None:
        """Return the one that a chat of Kommo's leads to."""
        return await self._one(
            "conversation_id = (SELECT conversation_id FROM conversation_chats "
            "WHERE kommo_chat_id = :value)",
            kommo_chat_id,
        )

    async def of_chat(self, bot_id: int, chat_id: int) -> list[str]:
        """Return the ids of a person's conversations with a bot, and with accounts it serves."""
        rows = await self._session.rows(
            "SELECT conversation_id FROM conversations "
            "WHERE bot_id = :bot_id AND chat_id = :chat_id",
            {"bot_id": bot_id, "chat_id": chat_id},
        )
        return [row[0] for row in rows]

    async def by_phone(self, phone: str) -> list[Conversation]:
        """Return those of a phone number, the latest heard of first."""
        rows = await self._session.rows(
            f"SELECT {SELECTED} FROM conversations WHERE phone = :phone "
            "ORDER BY last_incoming_at DESC",
            {"phone": phone},
        )
        return [_conversation(row) for row in rows]

    async def by_end_of_phone(self, digits: str) -> list[Conversation]:
        """Return those whose number ends so, the latest heard of first."""
        rows = await self._session.rows(
            f"SELECT {SELECTED} FROM conversations WHERE phone IS NOT NULL "
            "AND phone LIKE '%' || :digits ORDER BY last_incoming_at DESC",
            {"digits": digits},
        )
        return [_conversation(row) for row in rows]

    async def phone_of_person(self, chat_id: int) -> str | None:
        """Return the number that a person told in any conversation: of another bot, perhaps."""
        rows = await self._session.rows(
            "SELECT phone FROM conversations WHERE chat_id = :chat_id AND phone IS NOT NULL "
            "ORDER BY last_incoming_at DESC LIMIT 1",
            {"chat_id": chat_id},
        )
        return rows[0][0] if rows else None

    async def name_of(self, chat_id: int) -> str | None:
        """Return what a person was last called, in whichever conversation."""
        rows = await self._session.rows(
            "SELECT name FROM conversations WHERE chat_id = :chat_id "
            "ORDER BY last_incoming_at DESC LIMIT 1",
            {"chat_id": chat_id},
        )
        return rows[0][0] if rows else None

    async def list_all(self, *, limit: int, offset: int = 0) -> list[Conversation]:
        """Return conversations, oldest first."""
        rows = await self._session.rows(
            f"SELECT {SELECTED} FROM conversations ORDER BY created_at, conversation_id "
            "LIMIT :limit OFFSET :offset",
            {"limit": limit, "offset": offset},
        )
        return [_conversation(row) for row in rows]

    async def by_activity(self, *, since: datetime | None = None) -> list[str]:
        """Return the ids of conversations, those with the latest message first."""
        rows = await self._session.rows(
            "SELECT conversation_id, CASE WHEN coalesce(last_outgoing_at, 0) > "
            "coalesce(last_incoming_at, 0) THEN last_outgoing_at "
            "ELSE coalesce(last_incoming_at, last_msec) END AS at "
            "FROM conversations "
            "WHERE :since IS NULL OR last_incoming_at >= :since OR last_outgoing_at >= :since "
            "OR (last_incoming_at IS NULL AND last_msec >= :since) "
            "ORDER BY at DESC, conversation_id",
            {"since": optional_ms(since)},
        )
        return [row[0] for row in rows]

    async def activity(self, *, since: datetime) -> dict[str, datetime]:
        """Return when something was last said in each conversation, or it was first heard of."""
        rows = await self._session.rows(
            "SELECT conversation_id, max(coalesce(last_incoming_at, created_at), "
            "coalesce(last_outgoing_at, created_at)) AS at FROM conversations WHERE at >= :since",
            {"since": to_ms(since)},
        )
        return {row[0]: from_ms(row[1]) for row in rows}

    async def _one(self, condition: str, value: str) -> Conversation | None:
        rows = await self._session.rows(
            f"SELECT {SELECTED} FROM conversations WHERE {condition} LIMIT 1", {"value": value}
        )
        return _conversation(rows[0]) if rows else None


class Conversations(ConversationReader):
    """What can be stored about conversations, inside a transaction."""

    async def remember(self, conversation: Conversation) -> None:
        """Store a conversation; what is known and not told again stays known."""
        await self._session.rows(
            f"INSERT INTO conversations ({COLUMNS}) VALUES "
            "(:conversation_id, :bot_id, :business_user_id, :chat_id, :name, :username, :phone, "
            ":source_id, :is_reachable, :created_at, :last_incoming_at, :last_outgoing_at, NULL, "
            ":created_at) "
            "ON CONFLICT (conversation_id) DO UPDATE SET name = excluded.name, "
            "username = excluded.username, is_reachable = excluded.is_reachable, "
            "reachability_at = excluded.reachability_at, "
            "phone = coalesce(excluded.phone, conversations.phone), "
            "source_id = coalesce(excluded.source_id, conversations.source_id), "
            "last_incoming_at = CASE WHEN conversations.last_incoming_at >= "
            "coalesce(excluded.last_incoming_at, 0) THEN conversations.last_incoming_at "
            "ELSE excluded.last_incoming_at END, "
            "last_outgoing_at = CASE WHEN conversations.last_outgoing_at >= "
            "coalesce(excluded.last_outgoing_at, 0) THEN conversations.last_outgoing_at "
            "ELSE excluded.last_outgoing_at END",
            {
                "conversation_id": conversation.conversation_id,
                "bot_id": conversation.bot_id,
                "business_user_id": conversation.business_user_id,
                "chat_id": conversation.chat_id,
                "name": conversation.name,
                "username": conversation.username,
                "phone": conversation.phone,
                "source_id": conversation.source_id,
                "is_reachable": int(conversation.is_reachable),
                "created_at": to_ms(conversation.created_at),
                "last_incoming_at": optional_ms(conversation.last_incoming_at),
                "last_outgoing_at": optional_ms(conversation.last_outgoing_at),
            },
        )

    async def next_msec(self, conversation_id: str, at: datetime) -> datetime:
        """Return a moment that no earlier message of the conversation has, at or after `at`."""
        rows = await self._session.rows(
            "UPDATE conversations SET last_msec = CASE WHEN last_msec >= :at THEN last_msec + 1 "
            "ELSE :at END WHERE conversation_id = :conversation_id RETURNING last_msec",
            {"conversation_id": conversation_id, "at": to_ms(at)},
        )
        return from_ms(rows[0][0]) if rows else at

    async def set_phone(self, conversation_id: str, phone: str) -> None:
        """Store a client's number, as +digits."""
        await self._session.rows(
            "UPDATE conversations SET phone = :phone WHERE conversation_id = :conversation_id",
            {"conversation_id": conversation_id, "phone": phone},
        )

    async def set_contact(self, conversation_id: str, contact_id: int) -> None:
        """Store which of Kommo's contacts a conversation was linked to."""
        await self._session.rows(
            "UPDATE conversations SET contact_id = :contact_id "
            "WHERE conversation_id = :conversation_id",
            {"conversation_id": conversation_id, "contact_id": contact_id},
        )

    async def set_reachable(
        self, conversation_id: str, *, is_reachable: bool, now: datetime | None = None
    ) -> None:
        """Store whether the client lets the bot write, as the client showed it."""
        await self._session.rows(
            "UPDATE conversations SET is_reachable = :is_reachable, reachability_at = :now "
            "WHERE conversation_id = :conversation_id",
            {
                "conversation_id": conversation_id,
                "is_reachable": int(is_reachable),
                "now": optional_ms(now),
            },
        )

    async def learn_reachable(
        self, conversation_id: str, *, is_reachable: bool, asked_at: datetime, now: datetime
    ) -> None:
        """Store what a call showed, unless the client showed otherwise since the call began."""
        await self._session.rows(
            "UPDATE conversations SET is_reachable = :is_reachable, reachability_at = :now "
            "WHERE conversation_id = :conversation_id AND (is_reachable = 0 OR :is_reachable = 0) "
            "AND (reachability_at IS NULL OR reachability_at <= :asked_at)",
            {
                "conversation_id": conversation_id,
                "is_reachable": int(is_reachable),
                "asked_at": to_ms(asked_at),
                "now": to_ms(now),
            },
        )

    async def forget(self, conversation_id: str, *, bot_id: int = 0, chat_id: int = 0) -> bool:
        """Erase a conversation with all that is kept of it; tell whether there was one.

        Args:
            conversation_id: ours.
            bot_id: of its bot, and
            chat_id: of its client: what is kept by these goes too.
        """
        whose = Whose(conversation_id, bot_id, chat_id)
        return bool((await self._session.at_length(*erasing(whose, self._session.dialect)))[-1])


def _conversation(row: Row) -> Conversation:
    (
        conversation_id, bot_id, business_user_id, chat_id, name, username, phone, source_id,
        is_reachable, created_at, last_incoming_at, last_outgoing_at, contact_id,
        reachability_at, is_stopped, topic_id,
    ) = row  # fmt: skip
    return Conversation(
        conversation_id=conversation_id,
        bot_id=bot_id,
        business_user_id=business_user_id,
        chat_id=chat_id,
        name=name,
        username=username,
        phone=phone,
        source_id=source_id,
        is_reachable=bool(is_reachable),
        created_at=from_ms(created_at),
        last_incoming_at=optional_moment(last_incoming_at),
        last_outgoing_at=optional_moment(last_outgoing_at),
        contact_id=contact_id,
        reachability_at=optional_moment(reachability_at),
        is_stopped=bool(is_stopped),
        topic_id=topic_id,
    )
