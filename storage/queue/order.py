"""The order of a queue: only the first pending item of an ordering key has a due time.

The pending items of one ordering key stand by the moment at which they were written, then as they
came. The end of the first one makes the next one due. So "what is due" is one range of one index,
however long the queue is.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from storage.engine import Parameters, Session
from storage.queue.direction import Direction
from storage.queue.reader import QueueReader, State
from storage.timestamps import to_ms

DROPPED = "dropped by the operator"

DROP_ENDS = (
    "state = CASE WHEN is_dropped = 1 THEN 'done' ELSE state END, "
    "finished_at = CASE WHEN is_dropped = 1 THEN started_at ELSE finished_at END, "
    f"reason = CASE WHEN is_dropped = 1 THEN '{DROPPED}' ELSE reason END"
)
"""How an attempt ends an item that was dropped meanwhile."""


class OrderedQueue(QueueReader):
    """What the roles of a queue share: how an attempt and an item end, and what is due then."""

    def __init__(
        self,
        direction: Direction,
        session: Session,
        changed: Callable[[Direction], None],
    ) -> None:
        super().__init__(direction, session)
        self._direction = direction
        self._changed = changed

    async def _end(self, item_id: int, state: State, now: datetime, reason: str | None) -> bool:
        """End an item that is not done, and make the next of its key due."""
        parameters = {"id": item_id, "state": state, "now": to_ms(now), "reason": reason}
        ended, heads = await self._session.batch(
            (
                f"UPDATE {self._table} SET finished_at = :now, started_at = NULL, due_at = NULL, "
                "state = CASE WHEN is_dropped = 1 THEN 'done' ELSE :state END, "
                f"reason = CASE WHEN is_dropped = 1 AND :state = 'dead' THEN '{DROPPED}' "
                "ELSE :reason END "
                "WHERE id = :id AND state IN ('pending', 'dead') RETURNING id",
                parameters,
            ),
            (self._make_head_due(":now"), parameters),
        )
        if heads:
            self._changed(self._direction)
        return bool(ended)

    async def _put_back(self, changes: str, parameters: Parameters) -> bool:
        """End an attempt: the item is due later if it is the oldest of its key, else that one is.

        An older item than the one under way can come only from `retry`, so it waits no longer.

        Returns:
            whether the item has ended, as it was dropped meanwhile.
        """
        _waits, ended, _heads = await self._session.batch(
            (
                f"UPDATE {self._table} SET started_at = NULL, {changes}, "
                f"due_at = CASE WHEN id = {self._head} THEN :due_at END "
                "WHERE is_dropped = 0 AND id = :id AND state = 'pending'",
                parameters,
            ),
            (
                f"UPDATE {self._table} SET started_at = NULL, {DROP_ENDS} "
                "WHERE is_dropped = 1 AND id = :id AND state = 'pending' RETURNING id",
                parameters,
            ),
            (self._make_head_due("created_at"), parameters),
        )
        self._changed(self._direction)
        return bool(ended)

    def _end_of_key(self, direction: Literal["", "DESC"]) -> str:
        """The first or the last pending item of the key :ordering_key."""
        return (
            "SELECT ordered_at, due_at, attempts > 0 OR progress > 0 OR started_at IS NOT NULL "
            f"AS is_tried FROM {self._table} WHERE state = 'pending' "
            f"AND ordering_key = :ordering_key ORDER BY ordered_at {direction}, id {direction} "
            "LIMIT 1"
        )

    @property
    def _key(self) -> str:
        """The ordering key of the item :id."""
        return f"(SELECT ordering_key FROM {self._table} WHERE id = :id)"

    @property
    def _head(self) -> str:
        """The oldest pending item of that key."""
        return (
            f"(SELECT id FROM {self._table} WHERE state = 'pending' "
            f"AND ordering_key = {self._key} ORDER BY ordered_at, id LIMIT 1)"
        )

    def _make_head_due(self, due_at: str) -> str:
        """Make it due, unless it is already or an attempt of the key is under way."""
        return (
            f"UPDATE {self._table} SET due_at = {due_at} WHERE due_at IS NULL "
            f"AND id = {self._head} AND NOT EXISTS (SELECT 1 FROM {self._table} "
            f"WHERE started_at IS NOT NULL AND ordering_key = {self._key}) RETURNING id"
        )
