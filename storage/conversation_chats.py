"""Kommo's chats of a conversation: the plain one, and each that a manager started."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.engine import Row, Session, batches, names_of
from storage.timestamps import to_ms

State = Literal["plain", "open", "bound", "refused"]

PLAIN = 0
"""The number of a chat that no manager started."""

COLUMNS = "kommo_chat_id, conversation_id, kommo_user_id, alias, state, number"
HAS_ALIAS = "state IN ('plain', 'bound')"
NEWEST = "ORDER BY number DESC, known_at DESC, kommo_chat_id"


@dataclass(frozen=True)
class ConversationChat:
    """One chat of Kommo's that leads to a conversation.

    Args:
        kommo_user_id: the client as Kommo calls them in that chat.
        alias: the id by which Kommo knows it as ours; None: it was told none yet.
        state: plain; or, if a manager started it, open until the client answers.
        number: 0 for a plain one; those that were started count from 1.
    """

    kommo_chat_id: str
    conversation_id: str
    kommo_user_id: str | None
    alias: str | None
    state: State
    number: int


class ConversationChatReader:
    """What can be asked about Kommo's chats."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def by_kommo_chat(self, kommo_chat_id: str) -> ConversationChat | None:
        """Return one by Kommo's id."""
        return await self._one(f"kommo_chat_id = :value {NEWEST}", kommo_chat_id)

    async def by_alias(self, alias: str) -> ConversationChat | None:
        """Return the newest that Kommo knows by an id of ours."""
        condition = f"alias = :value AND {HAS_ALIAS} ORDER BY known_at DESC, number DESC"
        return await self._one(condition, alias)

    async def of(self, conversation_id: str) -> list[ConversationChat]:
        """Return every chat that leads to a conversation, the newest started one first."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM conversation_chats WHERE conversation_id = :value {NEWEST}",
            {"value": conversation_id},
        )
        return [_chat(row) for row in rows]

    async def newest_started(self, conversation_id: str) -> ConversationChat | None:
        """Return the newest started one of a conversation that Kommo did not refuse to bind."""
        condition = f"conversation_id = :value AND state IN ('open', 'bound') {NEWEST}"
        return await self._one(condition, conversation_id)

    async def all_of(self, kommo_chat_ids: Iterable[str]) -> dict[str, ConversationChat]:
        """Return those that are known of some, by Kommo's ids."""
        found: dict[str, ConversationChat] = {}
        for batch in batches(kommo_chat_ids):
            rows = await self._session.rows(
                f"SELECT {COLUMNS} FROM conversation_chats "
                f"WHERE kommo_chat_id IN ({names_of(batch)})",
                batch,
            )
            found |= {row[0]: _chat(row) for row in rows}
        return found

    async def plain_of(self, conversation_ids: Iterable[str]) -> dict[str, str]:
        """Return Kommo's ids of the chats that it knows by these very ids."""
        found: dict[str, str] = {}
        for batch in batches(conversation_ids):
            rows = await self._session.rows(
                "SELECT alias, kommo_chat_id FROM conversation_chats "
                f"WHERE alias IN ({names_of(batch)}) AND {HAS_ALIAS} ORDER BY known_at, number",
                batch,
            )
            found |= {row[0]: row[1] for row in rows}
        return found

    async def _one(self, condition: str, value: str) -> ConversationChat | None:
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM conversation_chats WHERE {condition} LIMIT 1", {"value": value}
        )
        return _chat(rows[0]) if rows else None


class ConversationChats(ConversationChatReader):
    """What can be stored about Kommo's chats, inside a transaction."""

    async def add_started(
        self, kommo_chat_id: str, conversation_id: str, kommo_user_id: str | None, *, now: datetime
    ) -> None:
        """Store that a manager started a chat; once is enough."""
        await self._session.rows(
            "INSERT INTO conversation_chats (kommo_chat_id, conversation_id, kommo_user_id, "
            "number, state, known_at) SELECT :kommo_chat_id, :conversation_id, :kommo_user_id, "
            "coalesce(max(number), 0) + 1, 'open', :now FROM conversation_chats "
            "WHERE conversation_id = :conversation_id ON CONFLICT (kommo_chat_id) DO NOTHING",
            {
                "kommo_chat_id": kommo_chat_id,
                "conversation_id": conversation_id,
                "kommo_user_id": kommo_user_id,
                "now": to_ms(now),
            },
        )

    async def save(
        self,
        kommo_chat_id: str,
        conversation_id: str,
        kommo_user_id: str | None,
        *,
        alias: str,
        number: int = PLAIN,
        now: datetime,
    ) -> None:
        """Store what Kommo said: it knows a chat by an id of ours, so the two are bound."""
        await self._session.rows(
            f"INSERT INTO conversation_chats ({COLUMNS}, known_at) VALUES (:kommo_chat_id, "
            ":conversation_id, :kommo_user_id, :alias, :state, :number, :now) "
            "ON CONFLICT (kommo_chat_id) DO UPDATE SET alias = excluded.alias, "
            "kommo_user_id = coalesce(excluded.kommo_user_id, conversation_chats.kommo_user_id), "
            "conversation_id = excluded.conversation_id, number = CASE "
            "WHEN conversation_chats.conversation_id = excluded.conversation_id "
            "AND conversation_chats.number > 0 THEN conversation_chats.number "
            "ELSE excluded.number END, state = CASE "
            "WHEN conversation_chats.conversation_id <> excluded.conversation_id "
            "OR conversation_chats.number = 0 THEN excluded.state ELSE 'bound' END",
            {
                "kommo_chat_id": kommo_chat_id,
                "conversation_id": conversation_id,
                "kommo_user_id": kommo_user_id,
                "alias": alias,
                "state": "bound" if number else "plain",
                "number": number,
                "now": to_ms(now),
            },
        )

    async def set_state(self, kommo_chat_id: str, state: State, alias: str | None) -> None:
        """Store how far a started chat is bound, and by which id."""
        await self._session.rows(
            "UPDATE conversation_chats SET state = :state, alias = :alias "
            "WHERE kommo_chat_id = :kommo_chat_id",
            {"kommo_chat_id": kommo_chat_id, "state": state, "alias": alias},
        )


def _chat(row: Row) -> ConversationChat:
    return ConversationChat(*row)
