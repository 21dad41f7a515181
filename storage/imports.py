"""Imported messages: which of them Kommo knows, and where their files lie."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.engine import Session, batches, names_of
from storage.timestamps import from_ms, to_ms

State = Literal["planned", "sent", "refused"]
"""Planned: Kommo is being told, or was when the process died."""


@dataclass(frozen=True)
class Imported:
    """A message that was brought along from elsewhere."""

    external_id: str
    conversation_id: str
    at: datetime
    is_outgoing: bool


@dataclass(frozen=True)
class ImportedTrail:
    """What is kept of an imported message; moments are missing of what is older than they are.

    Args:
        message: whose trail it is.
        imported_at: when Kommo was about to be told of it.
        ended_at: when it was recorded that Kommo took or refused it.
    """

    message: Imported
    state: State
    kommo_message_id: str | None
    imported_at: datetime | None
    ended_at: datetime | None


class ImportReader:
    """What can be asked about imported messages."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def states(self, external_ids: Iterable[str]) -> dict[str, State]:
        """Return how far those of our ids are that imported messages have."""
        found: dict[str, State] = {}
        for batch in batches(external_ids):
            rows = await self._session.rows(
                "SELECT external_id, state FROM imported "
                f"WHERE external_id IN ({names_of(batch)})",
                batch,
            )
            found.update(dict(rows))
        return found

    async def by_external_id(self, external_id: str) -> ImportedTrail | None:
        """Return what is kept of an imported message, by our id."""
        return await self._trail("external_id = :name", external_id)

    async def by_kommo_message(self, kommo_message_id: str) -> ImportedTrail | None:
        """Return what is kept of an imported message, by Kommo's id."""
        return await self._trail("kommo_message_id = :name", kommo_message_id)

    async def newest_of(self, conversation_id: str) -> ImportedTrail | None:
        """Return what is kept of the imported message of a conversation that was written last."""
        return await self._trail("conversation_id = :name", conversation_id)

    async def _trail(self, condition: str, name: str) -> ImportedTrail | None:
        rows = await self._session.rows(
            "SELECT external_id, conversation_id, msec, is_outgoing, state, kommo_message_id, "
            f"imported_at, ended_at FROM imported WHERE {condition} ORDER BY msec DESC LIMIT 1",
            {"name": name},
        )
        if not rows:
            return None
        external_id, conversation_id, msec, is_outgoing, state, kommo_id, imported, ended = rows[0]
        return ImportedTrail(
            Imported(external_id, conversation_id, from_ms(msec), bool(is_outgoing)),
            state,
            kommo_id,
            from_ms(imported) if imported is not None else None,
            from_ms(ended) if ended is not None else None,
        )

    async def has_any(self, conversation_id: str) -> bool:
        """Tell whether messages of a conversation were imported."""
        return bool(
            await self._session.rows(
                "SELECT 1 FROM imported WHERE conversation_id = :id LIMIT 1",
                {"id": conversation_id},
            )
        )

    async def newest_sent(self, beginning: str) -> str | None:
        """Return our id of a message that Kommo has, which begins so."""
        rows = await self._session.rows(
            "SELECT external_id FROM imported WHERE external_id >= :beginning "
            "AND external_id < :beginning || '~' AND state = 'sent' "
            "ORDER BY external_id DESC LIMIT 1",
            {"beginning": beginning},
        )
        return rows[0][0] if rows else None

    async def is_ours(self, conversation_id: str, at: datetime) -> bool:
        """Tell whether a message to a client, of this very moment, was imported."""
        return bool(
            await self._session.rows(
                "SELECT 1 FROM imported WHERE conversation_id = :id AND msec = :msec "
                "AND is_outgoing = 1 LIMIT 1",
                {"id": conversation_id, "msec": to_ms(at)},
            )
        )

    async def folder(self, export_id: str) -> str | None:
        """Return where the files of an export lie."""
        rows = await self._session.rows(
            "SELECT folder FROM exports WHERE id = :id", {"id": export_id}
        )
        return rows[0][0] if rows else None


class Imports(ImportReader):
    """What can be stored about imported messages, inside a transaction."""

    async def plan(self, message: Imported, *, now: datetime) -> None:
        """Store a message that Kommo is about to be told of; one that is known stays as it is."""
        await self._session.rows(
            "INSERT INTO imported "
            "(external_id, conversation_id, msec, is_outgoing, state, imported_at) "
            "VALUES (:external_id, :conversation_id, :msec, :is_outgoing, 'planned', :now) "
            "ON CONFLICT (external_id) DO NOTHING",
            {
                "external_id": message.external_id,
                "conversation_id": message.conversation_id,
                "msec": to_ms(message.at),
                "is_outgoing": int(message.is_outgoing),
                "now": to_ms(now),
            },
        )

    async def finish(
        self, external_id: str, state: State, *, now: datetime, kommo_message_id: str | None = None
    ) -> bool:
        """Store how a message ended; tell whether it is still known."""
        return bool(
            await self._session.rows(
                "UPDATE imported SET state = :state, ended_at = :now, "
                "kommo_message_id = :kommo_message_id WHERE external_id = :external_id "
                "RETURNING external_id",
                {
                    "external_id": external_id,
                    "state": state,
                    "now": to_ms(now),
                    "kommo_message_id": kommo_message_id,
                },
            )
        )

    async def save_folder(self, export_id: str, folder: str) -> None:
        """Store where the files of an export lie."""
        await self._session.rows(
            "INSERT INTO exports (id, folder) VALUES (:id, :folder) "
            "ON CONFLICT (id) DO UPDATE SET folder = excluded.folder",
            {"id": export_id, "folder": folder},
        )
