"""Repair a queue: after a crash, a moved clock or a pause, and by an operator."""

import json
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from storage.engine import Statement
from storage.queue.attempts import interrupted_in
from storage.queue.order import DROP_ENDS, DROPPED, OrderedQueue
from storage.timestamps import optional_ms, to_ms

SOON_MS = 60_000
"""What is due so soon need not follow a clock that was moved back."""


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


class Upkeep(OrderedQueue):
    """Recovers, reschedules, retries and drops items."""

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
        _recorded, interrupted, *_ = await self._session.at_length(
            *self._end_of_claims(claims),
            *self._right_heads(now, latest),
            (
                f"UPDATE {self._table} SET expires_at = expires_at - created_at + :now, "
                "created_at = :now WHERE state = 'pending' AND created_at > :now",
                {"now": to_ms(now)},
            ),
        )
        self._changed(self._direction)
        return len(interrupted)

    def _end_of_claims(self, claims: Claims) -> list[Statement]:
        """Return what ends the attempts of an earlier process, by what is known of each."""
        known = {
            "delivered": json.dumps(sorted(claims.delivered)),
            "uncertain": json.dumps(sorted(claims.uncertain or ())),
            "all": int(claims.uncertain is None),
        }
        claimed = "started_at IS NOT NULL"
        members = self._session.dialect.members
        undelivered = f"{claimed} AND id NOT IN ({members('delivered')})"
        uncertain = f"{undelivered} AND (:all = 1 OR id IN ({members('uncertain')}))"
        return [
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
        ]

    def _right_heads(self, now: datetime, latest: datetime | None) -> list[Statement]:
        """Return what makes the first item of each key due, and no other."""
        heads = (
            f"(SELECT (SELECT id FROM {self._table} WHERE state = 'pending' "
            "AND ordering_key = keys.ordering_key ORDER BY ordered_at, id LIMIT 1) "
            f"FROM (SELECT DISTINCT ordering_key FROM {self._table} WHERE state = 'pending') "
            "AS keys)"
        )
        return [
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
        ]

    async def dropped_under_way(self) -> list[int]:
        """Return the items, by their ids, that were dropped while they are being tried."""
        rows = await self._session.rows(
            f"SELECT id FROM {self._table} WHERE is_dropped = 1 AND started_at IS NOT NULL", {}
        )
        return [row[0] for row in rows]

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

    async def hasten_tried(self, *, now: datetime) -> None:
        """Let what failed before and waits for its next attempt wait no longer."""
        rows = await self._session.rows(
            f"UPDATE {self._table} SET due_at = :now WHERE state = 'pending' AND attempts > 0 "
            "AND started_at IS NULL AND due_at > :now RETURNING id",
            {"now": to_ms(now)},
        )
        if rows:
            self._changed(self._direction)

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
