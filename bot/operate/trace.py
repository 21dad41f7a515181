"""The path of one message through the bridge, read from the database, not the log."""

from dataclasses import dataclass

from bot.errors import BridgeError
from bot.operate.imported_steps import find_imported, of_imported
from bot.operate.item_steps import STATUS_WORDS, of_item, of_status, shown
from bot.operate.message_search import find
from bot.operate.steps import Step, in_order
from bot.queue.items import name_of
from storage.database import Snapshot
from storage.imports import ImportedTrail
from storage.queue.direction import Direction


class NoSuchMessageError(BridgeError):
    """Nothing is kept of a message of this id."""


@dataclass(frozen=True)
class Trail:
    """All that is known of one message, in the order of time."""

    direction: Direction
    conversation_id: str | None
    item: str | None
    external_id: str | None
    kommo_message_id: str | None
    telegram_message_ids: tuple[int, ...]
    steps: tuple[Step, ...]


async def trail_of(snapshot: Snapshot, name: str) -> Trail:
    """Return the way of a message.

    Args:
        snapshot: what is committed.
        name: an item as `queue list` names it; our id of a message; Kommo's; a Telegram message
            as CHAT/MESSAGE or BOT/CHAT/MESSAGE; or a conversation, for its newest message.

    Raises:
        NoSuchMessageError: nothing is kept of it.
        AmbiguousIdError: several messages are called so.
    """
    found = await find(snapshot, name)
    if found is None and (imported := await find_imported(snapshot, name)) is not None:
        return _of_imported(imported)
    if found is None:
        raise NoSuchMessageError(
            f"nothing is known about {name!r}; an id is one of `queue list`, Kommo's or our id of "
            "a message, CHAT/MESSAGE as Telegram numbers them, or a conversation's id"
        )
    own: list[Step] = []
    if found.item is not None:
        attempts = await snapshot.attempts.of_item(found.direction, found.item.id)
        own += of_item(found.direction, found.item, attempts)
    kommo_id = found.kommo_message_id
    is_outgoing = found.direction is Direction.OUTGOING
    parts = [shown(row) for row in found.rows] if is_outgoing else []
    statuses = await _of_statuses(snapshot, kommo_id) if is_outgoing else []
    return Trail(
        direction=found.direction,
        conversation_id=found.conversation_id,
        item=name_of(found.direction, found.item.id) if found.item else None,
        external_id=found.external_id,
        kommo_message_id=kommo_id,
        telegram_message_ids=tuple(row.telegram_message_id for row in found.rows),
        steps=in_order(own, parts, statuses),
    )


def _of_imported(imported: ImportedTrail) -> Trail:
    """Return the way of a message that an import brought along."""
    message = imported.message
    return Trail(
        direction=Direction.OUTGOING if message.is_outgoing else Direction.INCOMING,
        conversation_id=message.conversation_id,
        item=None,
        external_id=message.external_id,
        kommo_message_id=imported.kommo_message_id,
        telegram_message_ids=(),
        steps=tuple(of_imported(imported)),
    )


async def _of_statuses(snapshot: Snapshot, kommo_id: str | None) -> list[list[Step]]:
    """Return what Kommo was told of a manager's message, status by status."""
    steps: list[list[Step]] = []
    for code in STATUS_WORDS:
        item = await snapshot.to_kommo.by_dedupe_key(f"status:{kommo_id}:{code}")
        if item is not None:
            attempts = await snapshot.attempts.of_item(Direction.INCOMING, item.id)
            steps.append(list(of_status(item, attempts)))
    return steps
