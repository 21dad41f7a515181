"""The steps of a message that an import brought along."""

from collections.abc import Iterator

from bot.operate.steps import WAITS, Step
from storage.database import Snapshot
from storage.imports import ImportedTrail

ENDS = {"sent": ("sent", "Kommo took it"), "refused": ("dead", "Kommo refused it")}


async def find_imported(snapshot: Snapshot, name: str) -> ImportedTrail | None:
    """Return an imported message by our id, by Kommo's, or the newest of a conversation."""
    return (
        await snapshot.imports.by_external_id(name)
        or await snapshot.imports.by_kommo_message(name)
        or await snapshot.imports.newest_of(name)
    )


def of_imported(imported: ImportedTrail) -> Iterator[Step]:
    """Return what happened to an imported message, as far as it is kept."""
    written_at = imported.message.at
    yield Step(written_at, "written", "written before, in Telegram or another system")
    if imported.imported_at is not None:
        yield Step(imported.imported_at, "imported", "taken along by an import")
    if imported.state == "planned":
        text = "no answer of Kommo is recorded; a repeated import looks for it in Kommo's history"
        yield Step(imported.imported_at or written_at, WAITS, text)
    elif imported.ended_at is not None:
        step, text = ENDS[imported.state]
        yield Step(imported.ended_at, step, text)
