"""Read a queue: its items, and questions about them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.engine import Row, Session, batches, names_of
from storage.queue.direction import Direction
from storage.timestamps import from_ms, optional_moment, to_ms

State = Literal["pending", "done", "dead"]
Urgency = Literal["now", "", "later"]

COLUMNS = (
    "id, dedupe_key, ordering_key, conversation_id, kind, payload, state, created_at, due_at, "
    "expires_at, started_at, attempts, progress, is_uncertain, reason, finished_at, lane, "
    "unknowns, cuts, is_retried"
)


@dataclass(frozen=True)
class QueueItem:
    """One row of a queue."""

    id: int
    dedupe_key: str
    ordering_key: str
    conversation_id: str | None
    kind: str
    payload: str
    state: State
    created_at: datetime
    due_at: datetime | None
    expires_at: datetime
    started_at: datetime | None
    attempts: int
    progress: int
    is_uncertain: bool
    reason: str | None
    finished_at: datetime | None
    lane: str = ""
    unknowns: int = 0
    cuts: tuple[int, ...] = ()
    """The numbers of its calls that were too long, in the order of cutting."""

    is_retried: bool = False
    """Whether an operator tried it again."""


# Over the limit of methods: each is one question to one table, and all share its name.
class QueueReader:
    """What can be asked of a queue."""

    def __init__(self, direction: Direction, session: Session) -> None:
        self._table = direction.table
        self._session = session

    async def next_due_at(self, *, after: datetime | None = None) -> datetime | None:
        """Return when the next item is due; None when nothing waits for its time.

        Args:
            after: only what is due later than this counts.
        """
        rows = await self._session.rows(
            f"SELECT due_at FROM {self._table} WHERE due_at > :after ORDER BY due_at LIMIT 1",
            {"after": to_ms(after) if after else -1},
        )
        return from_ms(rows[0][0]) if rows else None

    async def newest_id(self) -> int:
        """Return the id of the item that was added last; 0 when there is none."""
        ((newest,),) = await self._session.rows(f"SELECT max(id) FROM {self._table}")
        return int(newest or 0)

    async def due_lanes(self, *, now: datetime) -> list[str]:
        """Return the lanes in which something is due, by seeking from one to the next."""
        lane = f"SELECT lane FROM {self._table} WHERE due_at IS NOT NULL"
        rows = await self._session.rows(
            f"WITH RECURSIVE lanes (lane) AS (SELECT ({lane} AND lane >= '' ORDER BY lane LIMIT 1)"
            f" UNION ALL SELECT ({lane} AND lane > lanes.lane ORDER BY lane LIMIT 1) FROM lanes "
            "WHERE lanes.lane IS NOT NULL) "
            f"SELECT lane FROM lanes WHERE EXISTS (SELECT 1 FROM {self._table} AS items "
            "WHERE items.lane = lanes.lane AND items.due_at <= :now)",
            {"now": to_ms(now)},
        )
        return [row[0] for row in rows]

    async def overdue(self, lane: str, *, now: datetime, limit: int) -> list[QueueItem]:
        """Return items of a lane that are due though their time is over, longest due first."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM {self._table} WHERE lane = :lane AND due_at <= :now "
            "AND expires_at <= :now ORDER BY due_at, id LIMIT :limit",
            {"lane": lane, "now": to_ms(now), "limit": limit},
        )
        return [item_of(row) for row in rows]

    async def get(self, item_id: int) -> QueueItem | None:
        """Return one item."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM {self._table} WHERE id = :id", {"id": item_id}
        )
        return item_of(rows[0]) if rows else None

    async def by_key_like(self, prefix: str, pattern: str) -> QueueItem | None:
        """Return the newest item whose dedupe key is like a pattern that begins so.

        Args:
            prefix: what narrows the search; it ends with a colon.
            pattern: with `%` for any characters.
        """
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM {self._table} WHERE dedupe_key >= :prefix "
            "AND dedupe_key < :end AND dedupe_key LIKE :pattern ORDER BY id DESC LIMIT 1",
            {"prefix": prefix, "end": f"{prefix[:-1]};", "pattern": pattern},
        )
        return item_of(rows[0]) if rows else None

    async def by_dedupe_key(self, dedupe_key: str) -> QueueItem | None:
        """Return the item of a key."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM {self._table} WHERE dedupe_key = :key", {"key": dedupe_key}
        )
        return item_of(rows[0]) if rows else None

    async def known(self, dedupe_keys: Iterable[str]) -> set[str]:
        """Return those of the keys that items have, in whatever state."""
        found: set[str] = set()
        for batch in batches(dedupe_keys):
            rows = await self._session.rows(
                f"SELECT dedupe_key FROM {self._table} WHERE dedupe_key IN ({names_of(batch)})",
                batch,
            )
            found.update(row[0] for row in rows)
        return found

    async def waits_for(self, conversation_ids: Iterable[str]) -> set[str]:
        """Return those of the conversations of which an item is pending."""
        found: set[str] = set()
        for batch in batches(conversation_ids):
            rows = await self._session.rows(
                f"SELECT DISTINCT conversation_id FROM {self._table} WHERE state = 'pending' "
                f"AND conversation_id IN ({names_of(batch)})",
                batch,
            )
            found.update(row[0] for row in rows)
        return found

    async def untried(self, ordering_key: str) -> list[QueueItem]:
        """Return the pending items of a key no attempt of which has begun, in order."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM {self._table} WHERE ordering_key = :key "
            "AND state = 'pending' AND attempts = 0 AND started_at IS NULL "
            "ORDER BY ordered_at, id",
            {"key": ordering_key},
        )
        return [item_of(row) for row in rows]

    async def list_items(
        self, *, states: Sequence[str], limit: int, offset: int = 0
    ) -> list[QueueItem]:
        """Return items in these states, oldest first."""
        names = {f"state{number}": state for number, state in enumerate(states)}
        is_open = "" if "done" in states else "AND state <> 'done' "
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM {self._table} WHERE id IN (SELECT id FROM {self._table} "
            f"WHERE state IN ({', '.join(':' + name for name in names)}) {is_open}"
            "ORDER BY id LIMIT :limit OFFSET :offset) ORDER BY id",
            {**names, "limit": limit, "offset": offset},
        )
        return [item_of(row) for row in rows]

    async def dead_with(self, beginning: str, *, limit: int) -> list[QueueItem]:
        """Return dead items whose reason begins so, oldest first."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM {self._table} WHERE state = 'dead' AND state <> 'done' "
            "AND substr(reason, 1, length(:beginning)) = :beginning ORDER BY id LIMIT :limit",
            {"beginning": beginning, "limit": limit},
        )
        return [item_of(row) for row in rows]

    async def dead_reasons(self) -> dict[str, int]:
        """Return why items are dead, and how many of them for each reason."""
        rows = await self._session.rows(
            f"SELECT coalesce(reason, ''), count(*) FROM {self._table} WHERE state = 'dead' "
            "AND state <> 'done' GROUP BY 1"
        )
        return {row[0]: int(row[1]) for row in rows}

    async def latest_of(
        self, conversation_id: str, *, kinds: Sequence[str], limit: int, without: str | None = None
    ) -> list[QueueItem]:
        """Return what was stored last of a conversation, the latest first.

        What contains the text `without` is left out; JSON writes it as it is.
        """
        names = {f"kind{number}": kind for number, kind in enumerate(kinds)}
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM {self._table} WHERE conversation_id = :conversation_id "
            f"AND kind IN ({', '.join(':' + name for name in names)}) "
            f"AND (:without IS NULL OR NOT ({self._session.dialect.contains('payload', 'without')}"
            ")) ORDER BY id DESC LIMIT :limit",
            {
                **names,
                "conversation_id": conversation_id,
                "limit": limit,
                "without": without,
            },
        )
        return [item_of(row) for row in rows]

    async def mentions(self, conversation_id: str, text: str) -> bool:
        """Tell whether an item of a conversation holds a text, which JSON writes as it is."""
        rows = await self._session.rows(
            f"SELECT 1 FROM {self._table} WHERE conversation_id = :conversation_id "
            f"AND {self._session.dialect.contains('payload', 'text')} LIMIT 1",
            {"conversation_id": conversation_id, "text": text},
        )
        return bool(rows)

    async def counts(self) -> dict[str, int]:
        """Return how many items are in each state."""
        ((pending, dead, finished),) = await self._session.rows(
            f"SELECT (SELECT count(*) FROM {self._table} WHERE state = 'pending'), "
            f"(SELECT count(*) FROM {self._table} WHERE state = 'dead' AND state <> 'done'), "
            f"(SELECT count(*) FROM {self._table} WHERE finished_at IS NOT NULL)"
        )
        return {"pending": pending, "done": finished - dead, "dead": dead}

    async def oldest_pending_at(self) -> datetime | None:
        """Return since when the oldest pending item waits."""
        rows = await self._session.rows(
            f"SELECT created_at FROM {self._table} WHERE state = 'pending' AND state <> 'done' "
            "ORDER BY id LIMIT 1"
        )
        return from_ms(rows[0][0]) if rows else None


def item_of(row: Row) -> QueueItem:
    """Return the item of a row of `COLUMNS`."""
    (
        item_id, dedupe_key, ordering_key, conversation_id, kind, payload, state, created_at,
        due_at, expires_at, started_at, attempts, progress, is_uncertain, reason, finished_at,
        lane, unknowns, cuts, is_retried,
    ) = row  # fmt: skip
    return QueueItem(
        id=item_id,
        dedupe_key=dedupe_key,
        ordering_key=ordering_key,
        conversation_id=conversation_id,
        kind=kind,
        payload=payload,
        state=state,
        created_at=from_ms(created_at),
        due_at=optional_moment(due_at),
        expires_at=from_ms(expires_at),
        started_at=optional_moment(started_at),
        attempts=attempts,
        progress=progress,
        is_uncertain=bool(is_uncertain),
        reason=reason,
        finished_at=optional_moment(finished_at),
        lane=lane,
        unknowns=unknowns,
        cuts=tuple(json.loads(cuts)),
        is_retried=bool(is_retried),
    )
