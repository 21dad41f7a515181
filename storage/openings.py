"""Openings: chats that a manager began in Kommo, until the client's answer ties them to ours."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.engine import Row, Session
from storage.moments import to_ms

State = Literal["open", "bound", "refused"]

COLUMNS = "kommo_chat_id, conversation_id, kommo_user_id, number, name, state"


@dataclass(frozen=True)
class Opening:
    """One chat that a manager began.

    Args:
        kommo_user_id: the client as Kommo calls them in that chat.
        number: counts those of one conversation, from 1.
        name: what Kommo was told that we call it; None: nothing yet.
        state: open until the client answers.
    """

    kommo_chat_id: str
    conversation_id: str
    kommo_user_id: str | None
    number: int
    name: str | None
    state: State


class OpeningReader:
    """What can be asked about openings."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def by_kommo_chat(self, kommo_chat_id: str) -> Opening | None:
        """Return one by Kommo's id."""
        return await self._one("kommo_chat_id = :value", kommo_chat_id)

    async def by_name(self, name: str) -> Opening | None:
        """Return the one that Kommo was told to call so."""
        return await self._one("name = :value AND state = 'bound' ORDER BY number DESC", name)

    async def newest(self, conversation_id: str) -> Opening | None:
        """Return the newest of a conversation that Kommo did not refuse to tie to it."""
        condition = "conversation_id = :value AND state <> 'refused' ORDER BY number DESC"
        return await self._one(condition, conversation_id)

    async def _one(self, condition: str, value: str) -> Opening | None:
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM openings WHERE {condition} LIMIT 1", {"value": value}
        )
        return _opening(rows[0]) if rows else None


class Openings(OpeningReader):
    """What can be stored about openings, inside a transaction."""

    async def remember(
        self, kommo_chat_id: str, conversation_id: str, kommo_user_id: str | None, *, now: datetime
    ) -> None:
        """Store that a manager began a chat; once is enough."""
        await self._session.rows(
            "INSERT INTO openings (kommo_chat_id, conversation_id, kommo_user_id, number, state, "
            "opened_at) SELECT :kommo_chat_id, :conversation_id, :kommo_user_id, "
            "coalesce(max(number), 0) + 1, 'open', :now FROM openings "
            "WHERE conversation_id = :conversation_id ON CONFLICT (kommo_chat_id) DO NOTHING",
            {
                "kommo_chat_id": kommo_chat_id,
                "conversation_id": conversation_id,
                "kommo_user_id": kommo_user_id,
                "now": to_ms(now),
            },
        )

    async def set_state(self, kommo_chat_id: str, state: State, name: str | None) -> None:
        """Store how far it is tied, and under which name."""
        await self._session.rows(
            "UPDATE openings SET state = :state, name = :name "
            "WHERE kommo_chat_id = :kommo_chat_id",
            {"kommo_chat_id": kommo_chat_id, "state": state, "name": name},
        )


def _opening(row: Row) -> Opening:
    kommo_chat_id, conversation_id, kommo_user_id, number, name, state = row
    return Opening(kommo_chat_id, conversation_id, kommo_user_id, number, name, state)
