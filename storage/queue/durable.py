"""`DurableQueue`: inbox and outbox are two tables of this kind.

The pending items of one ordering key stand by the moment at which they were written, then as they
came. Only the first one has a due time; its end makes the next one due. So "what is due" is one
range of one index, however long the queue is.
"""

import json
from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.engine import Parameters, Session
from storage.queue.attempts import interrupted_in
from storage.queue.direction import Direction
from storage.queue.reader import COLUMNS, QueueItem, QueueReader, State, Urgency, item_of
from storage.timestamps import optional_ms, to_ms

SOON_MS = 60_000
"""What is due so soon need not follow a clock that was moved back."""

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

DROPPED = "dropped by the operator"

DROP_ENDS = (
    "state = CASE WHEN is_dropped = 1 THEN 'done' ELSE state END, "
    "finished_at = CASE WHEN is_dropped = 1 THEN started_at ELSE finished_at END, "
    f"reason = CASE WHEN is_dropped = 1 THEN '{DROPPED}' ELSE reason END"
)
"""How an attempt ends an item that was dropped meanwhile."""


@dataclass(frozen=True)
class Claims:
    """What is known at a start of the attempts that were under way.

    Args:
        delivered: the items that were delivered, by their ids; that is recorded apart.
        uncertain: those that may have been delivered; None: any of the others may.
    """

    delivered: Set[int] = frozenset()
    uncertain: Set[int] | None = None


UNKNOWN = Claims()


class DurableQueue(QueueReader):
    """What can be done with a queue, inside a transaction."""

    def __init__(
        self,
        direction: Direction,
        session: Session,
        changed: Callable[[Direction], None],
    ) -> None:
        super().__init__(direction, session)
        self._direction = direction
        self._changed = changed

    async def add(
        self,
        *,
        dedupe_key: str,
        ordering_key: str,
        kind: str,
        payload: str,
        now: datetime,
        expires_at: datetime,
        conversation_id: str | None = None,
        not_before: datetime | None = None,
        urgency: Urgency = "",
        written_at: datetime | None = None,
    ) -> int | None:
        """Add an item where it belongs among those of its ordering key that were not tried yet.

        Args:
            dedupe_key: what makes it unique.
            ordering_key: items of one key are delivered one after the other.
            kind: what it is.
            payload: what it says, as JSON.
            now: the time.
            expires_at: a failure after this moment is the last one.
            conversation_id: whose item it is.
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
                "dedupe_key": dedupe_key,
                "ordering_key": ordering_key,
                "conversation_id": conversation_id,
                "kind": kind,
                "payload": payload,
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
                await self._wait_behind(item_id, ordering_key, ordered_at)
            self._changed(self._direction)
        return int(item_id)

    def _end_of_key(self, direction: Literal["", "DESC"]) -> str:
        """The first or the last pending item of the key :ordering_key."""
        return (
            "SELECT ordered_at, due_at, attempts > 0 OR progress > 0 OR started_at IS NOT NULL "
            f"AS is_tried FROM {self._table} WHERE state = 'pending' "
            f"AND ordering_key = :ordering_key ORDER BY ordered_at {direction}, id {direction} "
            "LIMIT 1"
        )

    async def _wait_behind(self, item_id: int, ordering_key: str, ordered_at: int) -> None:
        """Let the item that was the first of its key wait behind the one that is now."""
        await self._session.rows(
            f"UPDATE {self._table} SET due_at = NULL WHERE due_at IS NOT NULL AND id = "
            f"(SELECT id FROM {self._table} WHERE state = 'pending' AND ordering_key = :key "
            "AND (ordered_at, id) > (:ordered_at, :id) ORDER BY ordered_at, id LIMIT 1)",
            {"key": ordering_key, "ordered_at": ordered_at, "id": item_id},
        )

    async def put_behind(self, item: QueueItem) -> None:
        """Put an untried item behind all others of its ordering key; its id changes."""
        removed = await self._session.rows(
            f"DELETE FROM {self._table} WHERE id = :id AND state = 'pending' "
            "AND attempts = 0 AND started_at IS NULL RETURNING urgency",
            {"id": item.id},
        )
        if removed:
            await self.add(
                dedupe_key=item.dedupe_key,
                ordering_key=item.ordering_key,
                conversation_id=item.conversation_id,
                kind=item.kind,
                payload=item.payload,
                now=item.created_at,
                expires_at=item.expires_at,
                urgency=removed[0][0],
            )

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

    async def park(
        self,
        *,
        dedupe_key: str,
        ordering_key: str,
        kind: str,
        payload: str,
        now: datetime,
        reason: str,
        conversation_id: str | None = None,
    ) -> int | None:
        """Add an item that is dead from the start: it waits for a person."""
        return await self._add_ended(
            "dead", dedupe_key, ordering_key, kind, payload, now, reason, conversation_id
        )

    async def record_done(
        self,
        *,
        dedupe_key: str,
        ordering_key: str,
        kind: str,
        payload: str,
        now: datetime,
        conversation_id: str | None = None,
    ) -> int | None:
        """Add an item that needs no delivery, so that it is kept and known."""
        return await self._add_ended(
            "done", dedupe_key, ordering_key, kind, payload, now, None, conversation_id
        )

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

    async def assign(self, item_id: int, conversation_id: str) -> None:
        """Store whose item it is, now that this is known."""
        await self._session.rows(
            f"UPDATE {self._table} SET conversation_id = :conversation_id WHERE id = :id",
            {"id": item_id, "conversation_id": conversation_id},
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

    async def _floor(self, ordering_key: str) -> int:
        """Return the place that nothing may take: that of a first item that was tried."""
        rows = await self._session.rows(self._end_of_key(""), {"ordering_key": ordering_key})
        return int(rows[0][0]) if rows and rows[0][2] else 0

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
        rows = await self._session.rows(
            f"UPDATE {self._table} SET cuts = json_insert(cuts, '$[#]', :number), unknowns = 0 "
            "WHERE id = :id RETURNING id",
            {"id": item_id, "number": number},
        )
        return bool(rows)

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
    ) -> None:
        """End an attempt, not the item. Once uncertain, an item stays so.

        Args:
            item_id: the item.
            due_at: when the next attempt begins.
            reason: what happened.
            is_uncertain: whether it may have been carried out all the same.
            is_unknown: whether nothing at all is known of it; such attempts are counted.
        """
        await self._put_back(
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

    async def follow_clock(self, *, by_s: float, now: datetime, before: datetime) -> None:
        """Make up for a clock that was moved: nothing is given up early, nothing waits longer.

        Args:
            by_s: how far it was moved, forward or back.
            now: the time that it shows now.
            before: the last time that it showed before.
        """
        column, condition, moment = (
            ("expires_at", "state = 'pending' AND created_at <= :moment", to_ms(before))
            if by_s > 0
            else ("due_at", "due_at > :moment", to_ms(now) + SOON_MS)
        )
        await self._session.at_length(
            (
                f"UPDATE {self._table} SET {column} = {column} + :by WHERE {condition}",
                {"by": round(by_s * 1000), "moment": moment},
            )
        )
        self._changed(self._direction)

    async def make_up_for_pause(self, *, since: datetime, now: datetime) -> None:
        """Let what waits be tried for as long as if there had been no pause."""
        await self._session.at_length(
            (
                f"UPDATE {self._table} SET expires_at = expires_at + "
                "max(:now - max(created_at, :since), 0) WHERE state = 'pending'",
                {"since": to_ms(since), "now": to_ms(now)},
            )
        )

    async def hasten(self, dedupe_key: str, *, now: datetime) -> None:
        """Let an item that waits for its time wait no longer."""
        rows = await self._session.rows(
            f"UPDATE {self._table} SET due_at = :now WHERE dedupe_key = :dedupe_key "
            "AND due_at > :now RETURNING id",
            {"dedupe_key": dedupe_key, "now": to_ms(now)},
        )
        if rows:
            self._changed(self._direction)

    async def hasten_tried(self, *, now: datetime) -> None:
        """Let what failed before and waits for its next attempt wait no longer."""
        rows = await self._session.rows(
            f"UPDATE {self._table} SET due_at = :now WHERE state = 'pending' AND attempts > 0 "
            "AND started_at IS NULL AND due_at > :now RETURNING id",
            {"now": to_ms(now)},
        )
        if rows:
            self._changed(self._direction)

    async def release(self, item_id: int, *, due_at: datetime) -> None:
        """Take back an attempt that had not begun; the next one begins at a moment."""
        await self._put_back("attempts = attempts - 1", {"id": item_id, "due_at": to_ms(due_at)})

    async def recover(
        self, *, now: datetime, claims: Claims = UNKNOWN, latest: datetime | None = None
    ) -> int:
        """After a start: make due what an earlier process left under way, and put heads right.

        An item from the future was stored by a clock that has been set back since: it is tried
        for as long as it should have been, from now on.

        Args:
            now: the time.
            claims: what is known of the attempts that were under way.
            latest: a head that is due later than this is due now; None: it keeps its moment.

        Returns:
            how many attempts were interrupted; their outcome is unknown.
        """
        heads = (
            f"(SELECT (SELECT id FROM {self._table} WHERE state = 'pending' "
            "AND ordering_key = keys.ordering_key ORDER BY ordered_at, id LIMIT 1) "
            f"FROM (SELECT DISTINCT ordering_key FROM {self._table} WHERE state = 'pending') "
            "AS keys)"
        )
        known = {
            "delivered": json.dumps(sorted(claims.delivered)),
            "uncertain": json.dumps(sorted(claims.uncertain or ())),
            "all": int(claims.uncertain is None),
        }
        claimed = "started_at IS NOT NULL"
        undelivered = f"{claimed} AND id NOT IN (SELECT value FROM json_each(:delivered))"
        uncertain = (
            f"{undelivered} AND (:all = 1 OR id IN (SELECT value FROM json_each(:uncertain)))"
        )
        _recorded, interrupted, *_ = await self._session.at_length(
            interrupted_in(self._direction, uncertain, known),
            (
                f"UPDATE {self._table} SET started_at = NULL, is_uncertain = 1, {DROP_ENDS} "
                f"WHERE {uncertain} RETURNING id",
                known,
            ),
            (
                f"UPDATE {self._table} SET started_at = NULL, attempts = attempts - 1, "
                f"{DROP_ENDS} WHERE {undelivered}",
                known,
            ),
            (f"UPDATE {self._table} SET started_at = NULL WHERE {claimed}", {}),
            (
                f"UPDATE {self._table} SET due_at = NULL "
                f"WHERE due_at IS NOT NULL AND id NOT IN {heads}",
                {},
            ),
            (
                f"UPDATE {self._table} SET due_at = :now "
                f"WHERE (due_at IS NULL OR due_at > :latest) AND id IN {heads}",
                {"now": to_ms(now), "latest": optional_ms(latest)},
            ),
            (
                f"UPDATE {self._table} SET expires_at = expires_at - created_at + :now, "
                "created_at = :now WHERE state = 'pending' AND created_at > :now",
                {"now": to_ms(now)},
            ),
        )
        self._changed(self._direction)
        return len(interrupted)

    async def retry(self, item_id: int, *, now: datetime, expires_at: datetime) -> bool:
        """Try a dead or waiting item again, at its old place in the order.

        Its ordering key is tried at once, unless an attempt of it is under way.

        Returns:
            whether there is such an item.
        """
        parameters = {"id": item_id, "now": to_ms(now), "expires_at": to_ms(expires_at)}
        rows = await self._session.rows(
            f"UPDATE {self._table} SET state = 'pending', expires_at = :expires_at, "
            "unknowns = 0, finished_at = NULL, is_dropped = 0, is_retried = 1 "
            "WHERE id = :id AND state IN ('pending', 'dead') RETURNING id",
            parameters,
        )
        if rows:
            await self._session.batch(
                (
                    f"UPDATE {self._table} SET due_at = NULL WHERE due_at IS NOT NULL "
                    f"AND state = 'pending' AND ordering_key = {self._key}",
                    parameters,
                ),
                (self._make_head_due(":now"), parameters),
            )
            self._changed(self._direction)
        return bool(rows)

    async def drop(self, item_id: int, *, now: datetime) -> bool:
        """Give an item up; its dedupe key stays known, so that a repetition has no effect.

        One that is being tried ends with that attempt: those behind it wait for it as before.

        Returns:
            whether there was such an item that waits or is dead.
        """
        marked = await self._session.rows(
            f"UPDATE {self._table} SET is_dropped = 1 WHERE id = :id "
            "AND started_at IS NOT NULL RETURNING id",
            {"id": item_id},
        )
        return bool(marked) or await self._end(item_id, "done", now, DROPPED)

    async def _add_ended(  # noqa: PLR0917 - the two public ways in name their arguments
        self,
        state: State,
        dedupe_key: str,
        ordering_key: str,
        kind: str,
        payload: str,
        now: datetime,
        reason: str | None,
        conversation_id: str | None,
    ) -> int | None:
        rows = await self._session.rows(
            f"INSERT INTO {self._table} "
            "(dedupe_key, ordering_key, conversation_id, kind, payload, "
            "state, reason, created_at, expires_at, finished_at) "
            "VALUES (:dedupe_key, :ordering_key, :conversation_id, :kind, :payload, "
            ":state, :reason, :now, :now, :now) "
            "ON CONFLICT (dedupe_key) DO NOTHING RETURNING id",
            {
                "dedupe_key": dedupe_key,
                "ordering_key": ordering_key,
                "conversation_id": conversation_id,
                "kind": kind,
                "payload": payload,
                "state": state,
                "reason": reason,
                "now": to_ms(now),
            },
        )
        return int(rows[0][0]) if rows else None

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

    async def _put_back(self, changes: str, parameters: Parameters) -> None:
        """End an attempt: the item is due later if it is the oldest of its key, else that one is.

        An older item than the one under way can come only from `retry`, so it waits no longer.
        """
        await self._session.batch(
            (
                f"UPDATE {self._table} SET started_at = NULL, {changes}, "
                f"due_at = CASE WHEN id = {self._head} THEN :due_at END "
                "WHERE is_dropped = 0 AND id = :id AND state = 'pending'",
                parameters,
            ),
            (
                f"UPDATE {self._table} SET started_at = NULL, {DROP_ENDS} "
                "WHERE is_dropped = 1 AND id = :id AND state = 'pending'",
                parameters,
            ),
            (self._make_head_due("created_at"), parameters),
        )
        self._changed(self._direction)

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
