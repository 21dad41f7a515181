"""The name under which the account takes delivery statuses: found out once, then remembered."""

import logging
from typing import get_args

from bot.settings import Settings
from kommo.ids import AmojoId
from kommo.status_names import StatusNames
from kommo.statuses import StatusField
from storage.database import Database
from storage.patience import persist

log = logging.getLogger(__name__)


async def status_names(settings: Settings, account_id: AmojoId, database: Database) -> StatusNames:
    """Return what tells statuses for an account."""
    note = status_note(settings, account_id)

    async def remember(name: StatusField) -> None:
        log.info("Kommo accepts delivery statuses as %r; stored in the database", name)
        await persist(database, lambda tx: tx.facts.put(note, name))

    known = await remembered_name(settings, account_id, database)
    return StatusNames(settings.kommo.status_field, known, on_learned=remember)


async def remembered_name(
    settings: Settings, account_id: AmojoId, database: Database
) -> StatusField | None:
    """Return the name that was found out for an account; None before that."""
    async with database.snapshot() as snapshot:
        noted = await snapshot.facts.get(status_note(settings, account_id))
    return next((name for name in get_args(StatusField) if name == noted), None)


def status_note(settings: Settings, account_id: str | None) -> str:
    """Return under which name it is remembered."""
    return f"status_field {settings.kommo.chats_url} {account_id}"
