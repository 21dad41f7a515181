"""Consume a queue: claim items, then end them or put them back."""

from datetime import datetime

from storage.queue.order import OrderedQueue
from storage.queue.reader import COLUMNS, QueueItem, item_of
from storage.timestamps import to_ms


class Consumer(OrderedQueue):
    """Claims items, and stores how their attempts end."""

    async def take(self, *, now: datetime, limit: int, lane: str | None = None) -> list[QueueItem]:
        """Claim what is due, longest due first; an attempt of each is under way from here on.

        Args:
            now: what is due by then.
            limit: at most so many.
            lane: only of this lane.

        Returns:
            the items in the order of their ids.
        """
        of_lane = "" if lane is None else "lane = :lane AND "
        rows = await self._session.rows(
            f"UPDATE {self._table} SET started_at = :now, due_at = NULL, attempts = attempts + 1 "
            f"WHERE id IN (SELECT id FROM {self._table} "
            f"WHERE {of_lane}due_at <= :now ORDER BY due_at, id LIMIT :limit) "
            f"RETURNING {COLUMNS}",
            {"now": to_ms(now), "limit": limit, **({} if lane is None else {"lane": lane})},
        )
        return sorted((item_of(row) for row in rows), key=lambda item: item.id)

    async def release(self, item_id: int, *, due_at: datetime) -> bool:
        """Take back an attempt that had not begun; the next one begins at a moment.

        Returns:
            whether the item has ended, as it was dropped meanwhile.
        """
        return await self._put_back(
            "attempts = attempts - 1", {"id": item_id, "due_at": to_ms(due_at)}
        )

    async def record_progress(self, item_id: int, *, progress: int) -> bool:
        """Store how many calls of an item were made; the next one is a new one.

        Returns:
            whether there is such an item still.
        """
        rows = await self._session.rows(
            f"UPDATE {self._table} SET progress = :progress, unknowns = 0 WHERE id = :id "
            "RETURNING id",
            {"id": item_id, "progress": progress},
        )
        return bool(rows)

    async def record_cut(self, item_id: int, *, number: int) -> bool:
        """Store that a call of an item was too long: its pieces are calls of their own.

        Returns:
            whether there is such an item still.
        """
        cuts = self._session.dialect.appended("cuts", "number")
        rows = await self._session.rows(
            f"UPDATE {self._table} SET cuts = {cuts}, unknowns = 0 WHERE id = :id RETURNING id",
            {"id": item_id, "number": number},
        )
        return bool(rows)

    async def step_aside(self, item_id: int, *, now: datetime) -> None:
        """Take an item that is under way out of its order: what waits behind it goes on."""
        parameters = {"id": item_id, "now": to_ms(now), "aside": f"aside:{item_id}"}
        rows = await self._session.rows(
            f"SELECT ordering_key FROM {self._table} WHERE id = :id", parameters
        )
        if not rows:
            return
        parameters["old"] = rows[0][0]
        await self._session.batch(
            (f"UPDATE {self._table} SET ordering_key = :aside WHERE id = :id", parameters),
            (
                f"UPDATE {self._table} SET due_at = :now WHERE due_at IS NULL AND id = "
                f"(SELECT id FROM {self._table} WHERE state = 'pending' AND ordering_key = :old "
                f"ORDER BY ordered_at, id LIMIT 1) AND NOT EXISTS (SELECT 1 FROM {self._table} "
                "WHERE started_at IS NOT NULL AND ordering_key = :old)",
                parameters,
            ),
        )
        self._changed(self._direction)

    async def finish(self, item_id: int, *, now: datetime) -> None:
        """End an item that was delivered."""
        await self._end(item_id, "done", now, None)

    async def bury(self, item_id: int, *, now: datetime, reason: str) -> None:
        """End an item that cannot be delivered."""
        await self._end(item_id, "dead", now, reason)

    async def retry_later(
        self,
        item_id: int,
        *,
        due_at: datetime,
        reason: str,
        is_uncertain: bool = False,
        is_unknown: bool = False,
    ) -> bool:
        """End an attempt, not the item. Once uncertain, an item stays so.

        Args:
            item_id: the item.
            due_at: when the next attempt begins.
            reason: what happened.
            is_uncertain: whether it may have been carried out all the same.
            is_unknown: whether nothing at all is known of it; such attempts are counted.

        Returns:
            whether the item has ended, as it was dropped meanwhile.
        """
        return await self._put_back(
            "reason = :reason, unknowns = unknowns + :unknown, "
            "is_uncertain = CASE WHEN :is_uncertain = 1 THEN 1 ELSE is_uncertain END",
            {
                "id": item_id,
                "due_at": to_ms(due_at),
                "reason": reason,
                "is_uncertain": int(is_uncertain),
                "unknown": int(is_unknown),
            },
        )
