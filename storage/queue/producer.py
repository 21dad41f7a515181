"""Fill a queue: add items, move them within their order, make them due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.queue.order import OrderedQueue
from storage.queue.reader import QueueItem, State, Urgency
from storage.timestamps import optional_ms, to_ms

PLACE = (
    "CASE WHEN :written_at IS NULL THEN coalesce(tail.ordered_at, 0) "
    "WHEN head.is_tried AND head.ordered_at > :written_at THEN head.ordered_at "
    "ELSE :written_at END"
)
"""Where a new item stands: never before one that was tried, at the end if it has no moment."""

DUE = (
    "CASE WHEN head.ordered_at IS NULL THEN :due_at "
    "WHEN head.is_tried OR head.due_at IS NULL OR :written_at IS NULL "
    "OR head.ordered_at <= :written_at THEN NULL "
    "WHEN head.due_at > :due_at THEN head.due_at ELSE :due_at END"
)
"""When it is due: at once if it is the only one, or takes the place of the first one."""


AT_ONCE = 25
"""So many rows of one statement: each number of rows is prepared once."""


@dataclass(frozen=True)
class Draft:
    """An item before it is in a queue.

    Args:
        dedupe_key: what makes it unique.
        ordering_key: items of one key are delivered one after the other.
        kind: what it is.
        payload: what it says, as JSON.
        conversation_id: whose item it is.
    """

    dedupe_key: str
    ordering_key: str
    kind: str
    payload: str
    conversation_id: str | None = None


class Producer(OrderedQueue):
    """Adds items to a queue."""

    async def add(
        self,
        draft: Draft,
        *,
        now: datetime,
        expires_at: datetime,
        not_before: datetime | None = None,
        urgency: Urgency = "",
        written_at: datetime | None = None,
    ) -> int | None:
        """Add an item where it belongs among those of its ordering key that were not tried yet.

        Args:
            draft: the item.
            now: the time.
            expires_at: a failure after this moment is the last one.
            not_before: until when it waits, and all behind it, unless it is hastened.
            urgency: how soon somebody waits for it.
            written_at: it goes before untried ones that were written later; None: to the end.

        Returns:
            its id; None when its dedupe key is known, in whatever state.
        """
        rows = await self._session.rows(
            f"INSERT INTO {self._table} "
            "(dedupe_key, ordering_key, conversation_id, kind, payload, "
            "state, created_at, expires_at, urgency, ordered_at, due_at) "
            "SELECT :dedupe_key, :ordering_key, :conversation_id, :kind, :payload, "
            f"'pending', :now, :expires_at, :urgency, {PLACE}, {DUE} "
            f"FROM (SELECT 1) AS one LEFT JOIN ({self._end_of_key('')}) AS head "
            f"LEFT JOIN ({self._end_of_key('DESC')}) AS tail WHERE true "
            "ON CONFLICT (dedupe_key) DO NOTHING RETURNING id, ordered_at, due_at",
            {
                **vars(draft),
                "now": to_ms(now),
                "due_at": to_ms(not_before or now),
                "expires_at": to_ms(expires_at),
                "urgency": urgency,
                "written_at": optional_ms(written_at),
            },
        )
        if not rows:
            return None
        ((item_id, ordered_at, due_at),) = rows
        if due_at is not None:
            if written_at is not None:
                await self._wait_behind(item_id, draft.ordering_key, ordered_at)
            self._changed(self._direction)
        return int(item_id)

    async def park(self, draft: Draft, *, now: datetime, reason: str) -> int | None:
        """Add an item that is dead from the start: it waits for a person."""
        return await self._add_ended("dead", draft, now=now, reason=reason)

    async def record_done(
        self, draft: Draft, *, now: datetime, reason: str | None = None
    ) -> int | None:
        """Add an item that needs no delivery, so that it is kept and known; why, if not plain."""
        return await self._add_ended("done", draft, now=now, reason=reason)

    async def record_all_done(self, drafts: Sequence[Draft], *, now: datetime, reason: str) -> int:
        """Add many that need no delivery; return how many were not there yet."""
        added = 0
        for first in range(0, len(drafts), AT_ONCE):
            some = drafts[first : first + AT_ONCE]
            rows = await self._session.rows(
                f"INSERT INTO {self._table} "
                "(dedupe_key, ordering_key, conversation_id, kind, payload, "
                "state, reason, created_at, expires_at, finished_at) VALUES "
                + ", ".join(
                    f"(:key{number}, :order{number}, :whose{number}, :kind{number}, "
                    f":payload{number}, 'done', :reason, :now, :now, :now)"
                    for number in range(len(some))
                )
                + " ON CONFLICT (dedupe_key) DO NOTHING RETURNING 1",
                {"reason": reason, "now": to_ms(now)}
                | {
                    f"{name}{number}": value
                    for number, one in enumerate(some)
                    for name, value in (
                        ("key", one.dedupe_key),
                        ("order", one.ordering_key),
                        ("whose", one.conversation_id),
                        ("kind", one.kind),
                        ("payload", one.payload),
                    )
                },
            )
            added += len(rows)
        return added

    async def put_behind(self, item: QueueItem) -> None:
        """Put an untried item behind all others of its ordering key; its id changes."""
        removed = await self._session.rows(
            f"DELETE FROM {self._table} WHERE id = :id AND state = 'pending' "
            "AND attempts = 0 AND started_at IS NULL RETURNING urgency",
            {"id": item.id},
        )
        if removed:
            await self.add(
                Draft(
                    dedupe_key=item.dedupe_key,
                    ordering_key=item.ordering_key,
                    conversation_id=item.conversation_id,
                    kind=item.kind,
                    payload=item.payload,
                ),
                now=item.created_at,
                expires_at=item.expires_at,
                urgency=removed[0][0],
            )

    async def move(
        self, ordering_key: str, *, to: str, conversation_id: str, now: datetime
    ) -> None:
        """Let what waits under one key stand in the order of another, which it belongs to.

        What was tried of that one stays first; an attempt that is under way stays so.
        """
        parameters = {"key": to, "old": ordering_key, "now": to_ms(now)}
        moved = await self._session.rows(
            f"UPDATE {self._table} SET ordering_key = :key, due_at = NULL, "
            "conversation_id = :conversation_id, ordered_at = "
            "CASE WHEN ordered_at < :floor THEN :floor ELSE ordered_at END "
            "WHERE ordering_key = :old AND state = 'pending' RETURNING id",
            {**parameters, "conversation_id": conversation_id, "floor": await self._floor(to)},
        )
        if not moved:
            return
        head = (
            f"(SELECT id FROM {self._table} WHERE state = 'pending' AND ordering_key = :key "
            "ORDER BY ordered_at, id LIMIT 1)"
        )
        await self._session.batch(
            (
                f"UPDATE {self._table} SET due_at = NULL WHERE due_at IS NOT NULL "
                f"AND state = 'pending' AND ordering_key = :key AND id <> {head}",
                parameters,
            ),
            (
                f"UPDATE {self._table} SET due_at = :now WHERE due_at IS NULL AND id = {head} "
                f"AND NOT EXISTS (SELECT 1 FROM {self._table} WHERE started_at IS NOT NULL "
                "AND ordering_key = :key)",
                parameters,
            ),
        )
        self._changed(self._direction)

    async def go_on(self, ordering_key: str, *, now: datetime) -> None:
        """Make the oldest pending item of a key due, unless it is tried or waits for a retry."""
        await self._session.rows(
            f"UPDATE {self._table} SET due_at = :now WHERE id = (SELECT id "
            f"FROM {self._table} WHERE state = 'pending' AND ordering_key = :key "
            "ORDER BY ordered_at, id LIMIT 1) "
            "AND started_at IS NULL AND (due_at IS NULL OR (due_at > :now AND attempts = 0)) "
            f"AND NOT EXISTS (SELECT 1 FROM {self._table} WHERE started_at IS NOT NULL "
            "AND ordering_key = :key)",
            {"key": ordering_key, "now": to_ms(now)},
        )
        self._changed(self._direction)

    async def hasten(self, dedupe_key: str, *, now: datetime) -> None:
        """Let an item that waits for its time wait no longer."""
        rows = await self._session.rows(
            f"UPDATE {self._table} SET due_at = :now WHERE dedupe_key = :dedupe_key "
            "AND due_at > :now RETURNING id",
            {"dedupe_key": dedupe_key, "now": to_ms(now)},
        )
        if rows:
            self._changed(self._direction)

    async def rewrite(self, dedupe_key: str, payload: str, due_at: datetime) -> bool:
        """Give an untried item another payload and time; tell whether there was one."""
        rows = await self._session.rows(
            f"UPDATE {self._table} SET payload = :payload, "
            "due_at = CASE WHEN due_at IS NULL THEN NULL ELSE :due_at END "
            "WHERE dedupe_key = :dedupe_key AND state = 'pending' AND started_at IS NULL "
            "AND attempts = 0 RETURNING id",
            {"dedupe_key": dedupe_key, "payload": payload, "due_at": to_ms(due_at)},
        )
        if rows:
            self._changed(self._direction)
        return bool(rows)

    async def _wait_behind(self, item_id: int, ordering_key: str, ordered_at: int) -> None:
        """Let the item that was the first of its key wait behind the one that is now."""
        await self._session.rows(
            f"UPDATE {self._table} SET due_at = NULL WHERE due_at IS NOT NULL AND id = "
            f"(SELECT id FROM {self._table} WHERE state = 'pending' AND ordering_key = :key "
            "AND (ordered_at, id) > (:ordered_at, :id) ORDER BY ordered_at, id LIMIT 1)",
            {"key": ordering_key, "ordered_at": ordered_at, "id": item_id},
        )

    async def _floor(self, ordering_key: str) -> int:
        """Return the place that nothing may take: that of a first item that was tried."""
        rows = await self._session.rows(self._end_of_key(""), {"ordering_key": ordering_key})
        return int(rows[0][0]) if rows and rows[0][2] else 0

    async def _add_ended(
        self, state: State, draft: Draft, *, now: datetime, reason: str | None
    ) -> int | None:
        rows = await self._session.rows(
            f"INSERT INTO {self._table} "
            "(dedupe_key, ordering_key, conversation_id, kind, payload, "
            "state, reason, created_at, expires_at, finished_at) "
            "VALUES (:dedupe_key, :ordering_key, :conversation_id, :kind, :payload, "
            ":state, :reason, :now, :now, :now) "
            "ON CONFLICT (dedupe_key) DO NOTHING RETURNING id",
            {
                **vars(draft),
                "state": state,
                "reason": reason,
                "now": to_ms(now),
            },
        )
        return int(rows[0][0]) if rows else None
