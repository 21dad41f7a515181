"""What the database knows of a chat that is imported."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.imports.lane import SECOND_MS, Dated, Lane
from bot.imports.overlap import Live
from storage.conversations import Conversation
from storage.database import Database
from storage.imports import State


async def known_client(database: Database, conversation_id: str) -> Conversation | None:
    """Return a conversation; None if the bridge does not know it."""
    async with database.snapshot() as snapshot:
        return await snapshot.conversations.get(conversation_id)


async def states_of(database: Database, lane: Lane, page: Sequence[Dated]) -> Mapping[str, State]:
    """Return what came of messages that were planned before."""
    async with database.snapshot() as snapshot:
        return await snapshot.imports.states(lane.external_id(one.row) for one in page)


async def live_in(database: Database, lane: Lane, page: Sequence[Dated]) -> Live:
    """Return what the bridge itself brought in the time of a page."""
    if not page:
        return Live(())
    conversation_id = lane.place.address.conversation_id
    first, last = (datetime.fromtimestamp(one.row.at, UTC) for one in (page[0], page[-1]))
    async with database.snapshot() as snapshot:
        return Live(
            await snapshot.messages.between(
                conversation_id, first, last + timedelta(milliseconds=SECOND_MS - 1)
            )
        )
