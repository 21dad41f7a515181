"""Everything that is kept of one client: one list, for erasing and for exporting.

A new table that holds something of a client is a line here; a test finds one that is missing.
"""

import json
from dataclasses import dataclass
from typing import Any

from storage.engine import Dialect, Session, Statement
from storage.facts import moved_key
from storage.timestamps import from_ms

OF_CONVERSATION = "conversation_id = :conversation_id"

NAMES_CLIENT = "<the payload names the client>"
"""Stands for a condition that each engine says in its own words."""

UNREAD = f"state = 'dead' AND state <> 'done' AND conversation_id IS NULL AND {NAMES_CLIENT}"
"""Updates that could not be read and name no conversation, but the client."""

ITEM = (
    "id, dedupe_key, ordering_key, conversation_id, kind, payload, state, created_at, due_at, "
    "expires_at, started_at, attempts, progress, is_uncertain, reason, finished_at, urgency, "
    "lane, unknowns, ordered_at, is_dropped, cuts, is_retried"
)

JSON_COLUMNS = frozenset({"payload", "cuts"})
MOMENTS = frozenset({"at", "msec", "last_msec"})
MOMENT_ENDS = ("_at", "_until")


@dataclass(frozen=True)
class Whose:
    """A client's conversation: what is asked about.

    Args:
        conversation_id: ours; empty where there is none, and only the client is known.
        bot_id: of the bot that it is with; 0 where there is none.
    """

    conversation_id: str
    bot_id: int
    chat_id: int

    @property
    def parameters(self) -> dict[str, str | int]:
        """Return what the conditions below name."""
        return {
            "conversation_id": self.conversation_id,
            "chat_id": self.chat_id,
            "moved": moved_key(self.bot_id, self.chat_id),
        }


@dataclass(frozen=True)
class Kept:
    """Rows of one table that are about a client.

    Args:
        name: what an export calls them.
        columns: all that the table has.
        condition: which rows they are.
        erasure: what is done to erase them; `None` removes the rows.
    """

    name: str
    table: str
    columns: str
    condition: str = OF_CONVERSATION
    erasure: str | None = None

    def reading(self, dialect: Dialect) -> str:
        """Return the statement that reads the rows."""
        return f"SELECT {self.columns} FROM {self.table} WHERE {self._in_words_of(dialect)}"

    def erasing(self, dialect: Dialect) -> str:
        """Return the statement that erases what they say, and returns a row for each."""
        begin = self.erasure or f"DELETE FROM {self.table}"
        return f"{begin} WHERE {self._in_words_of(dialect)} RETURNING 1"

    def _in_words_of(self, dialect: Dialect) -> str:
        return self.condition.replace(NAMES_CLIENT, dialect.says("payload", "id", ":chat_id"))

    def read(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """Return a row with its columns' names, its moments and documents readable."""
        names = self.columns.split(", ")
        return {name: _readable(name, value) for name, value in zip(names, row, strict=True)}


KEPT = (
    Kept(
        "invitations",
        "invitations",
        "payload, contact_id, is_single, created_at, expires_at",
        "is_single = 1 AND payload IN "
        f"(SELECT payload FROM invitation_uses WHERE {OF_CONVERSATION})",
    ),
    Kept("invitation_uses", "invitation_uses", "payload, conversation_id, used_at"),
    Kept(
        "attempts",
        "attempts",
        "queue, item_id, number, began_at, took_ms, outcome, reason, is_uncertain",
        f"(queue = 'inbox' AND item_id IN (SELECT id FROM inbox WHERE {OF_CONVERSATION})) "
        f"OR (queue = 'outbox' AND item_id IN (SELECT id FROM outbox WHERE {OF_CONVERSATION})) "
        f"OR (queue = 'outbox' AND item_id IN (SELECT id FROM outbox WHERE {UNREAD}))",
    ),
    Kept("to_telegram", "inbox", ITEM),
    Kept("to_kommo", "outbox", ITEM),
    Kept("unread_updates", "outbox", ITEM, UNREAD),
    Kept(
        "messages",
        "messages",
        "bot_id, business_user_id, chat_id, telegram_message_id, conversation_id, direction, "
        "external_id, kommo_message_id, part, content_hash, at",
    ),
    Kept(
        "deliveries", "deliveries", "kommo_message_id, conversation_id, status, sent_at, known_at"
    ),
    Kept("buttons", "buttons", "id, conversation_id, text, callback_data, created_at"),
    Kept("presses", "presses", "conversation_id, message_id, fingerprint, pressed_at"),
    Kept("pictures", "avatars", "conversation_id, file_id, checked_at"),
    Kept(
        "kommo_chats",
        "conversation_chats",
        "kommo_chat_id, conversation_id, kommo_user_id, alias, state, number, known_at",
    ),
    Kept("doubts", "doubts", "conversation_id, doubtful_until"),
    Kept("floods", "floods", "conversation_id, notice_key, held"),
    Kept(
        "deletions",
        "business_deletions",
        "bot_id, business_user_id, chat_id, telegram_message_id, conversation_id, at",
    ),
    Kept("topics", "topics", "conversation_id, thread_id"),
    Kept(
        "topic_messages",
        "topic_messages",
        "conversation_id, telegram_message_id, thread_id, known_at",
    ),
    Kept(
        "imported",
        "imported",
        "external_id, conversation_id, msec, is_outgoing, state, kommo_message_id, imported_at, "
        "ended_at",
    ),
    Kept(
        "blocks",
        "blocks",
        "chat_id, reason, is_both, blocked_at",
        "chat_id = :chat_id",
        # who was stopped does not write again by being forgotten
        erasure="UPDATE blocks SET reason = NULL",
    ),
    Kept("moves", "notes", "key, value", "key = :moved"),
    Kept(
        "conversations",
        "conversations",
        "conversation_id, bot_id, business_user_id, chat_id, name, username, phone, source_id, "
        "is_reachable, created_at, last_incoming_at, last_outgoing_at, last_msec, contact_id, "
        "reachability_at",
    ),
)
"""In the order of erasing: what leads to other rows goes after them."""

NOBODYS = frozenset(
    {
        "business_connections",
        "schema_migrations",
        "sqlite_sequence",
        "grants",
        "used_consents",
        "exports",
        "forgotten",
    }
)
"""Tables in which nothing is about a client."""


class KeptReader:
    """What can be asked about all that is kept of a client."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def of(self, whose: Whose) -> dict[str, list[dict[str, Any]]]:
        """Return all of it, by the names of the list."""
        statements = [(kept.reading(self._session.dialect), whose.parameters) for kept in KEPT]
        found = await self._session.at_length(*statements)
        return {
            kept.name: [kept.read(row) for row in rows]
            for kept, rows in zip(KEPT, found, strict=True)
        }

    async def is_any(self, whose: Whose) -> bool:
        """Tell whether there is anything."""
        for kept in KEPT:
            reading = kept.reading(self._session.dialect)
            if await self._session.rows(f"{reading} LIMIT 1", whose.parameters):
                return True
        return False

    async def conversation_ids(self, chat_id: int) -> list[str]:
        """Return the ids of a client's conversations; of a blocked client, only items may be."""
        rows = await self._session.rows(
            "SELECT conversation_id FROM conversations WHERE chat_id = :chat_id "
            "UNION SELECT conversation_id FROM inbox WHERE conversation_id LIKE :ending "
            "UNION SELECT conversation_id FROM outbox WHERE conversation_id LIKE :ending",
            {"chat_id": chat_id, "ending": f"tg:%:{chat_id}"},
        )
        return [row[0] for row in rows]


def erasing(whose: Whose, dialect: Dialect) -> list[Statement]:
    """Return what erases all that is kept of a client's conversation; that itself goes last."""
    return [(kept.erasing(dialect), whose.parameters) for kept in KEPT]


def _readable(name: str, value: Any) -> Any:
    """Return a column as a person reads it."""
    if name in JSON_COLUMNS and isinstance(value, str):
        return _document(value)
    if isinstance(value, int) and name.startswith("is_"):
        return bool(value)
    if isinstance(value, int) and (name in MOMENTS or name.endswith(MOMENT_ENDS)):
        return from_ms(value).isoformat(timespec="milliseconds") if value else None
    return value


def _document(text: str) -> Any:
    """Return a JSON document; a text that is none, as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
