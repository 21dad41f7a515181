"""Attempts that failed: when, how long they took, and why. The one that delivered has no row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.engine import Parameters, Session, Statement
from storage.queue.direction import Direction
from storage.timestamps import from_ms, to_ms

Result = Literal["retry_later", "undeliverable", "interrupted"]

INTERRUPTED = "the bridge was stopped during the attempt"


@dataclass(frozen=True)
class Attempt:
    """One try to deliver an item that did not deliver it.

    Args:
        number: which attempt of the item, from 1.
        took_ms: how long it took; None when it was interrupted.
        is_uncertain: whether it may have been carried out all the same.
    """

    direction: Direction
    item_id: int
    number: int
    began_at: datetime
    took_ms: int | None
    outcome: Result
    reason: str
    is_uncertain: bool = False


class AttemptReader:
    """What can be asked about attempts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def of_item(self, direction: Direction, item_id: int) -> list[Attempt]:
        """Return the failed attempts of an item, the first one first."""
        rows = await self._session.rows(
            "SELECT number, began_at, took_ms, outcome, reason, is_uncertain FROM attempts "
            "WHERE queue = :queue AND item_id = :item_id ORDER BY began_at, number",
            {"queue": direction.table, "item_id": item_id},
        )
        return [
            Attempt(
                direction=direction,
                item_id=item_id,
                number=number,
                began_at=from_ms(began_at),
                took_ms=took_ms,
                outcome=outcome,
                reason=reason,
                is_uncertain=bool(is_uncertain),
            )
            for number, began_at, took_ms, outcome, reason, is_uncertain in rows
        ]


class Attempts(AttemptReader):
    """What can be stored about attempts, inside a transaction."""

    async def record(self, attempt: Attempt) -> None:
        """Store an attempt that failed, unless its item is gone: its client was forgotten."""
        table = attempt.direction.table
        await self._session.rows(
            "INSERT INTO attempts (queue, item_id, number, began_at, took_ms, outcome, reason, "
            "is_uncertain) SELECT :queue, :item_id, :number, :began_at, :took_ms, :outcome, "
            f":reason, :is_uncertain WHERE EXISTS (SELECT 1 FROM {table} "
            f"WHERE {table}.id = :item_id)",
            {
                "queue": table,
                "item_id": attempt.item_id,
                "number": attempt.number,
                "took_ms": attempt.took_ms,
                "outcome": attempt.outcome,
                "reason": attempt.reason,
                "began_at": to_ms(attempt.began_at),
                "is_uncertain": int(attempt.is_uncertain),
            },
        )


def interrupted_in(direction: Direction, condition: str, parameters: Parameters) -> Statement:
    """Return what records the attempts that were under way when the process died."""
    return (
        "INSERT INTO attempts (queue, item_id, number, began_at, outcome, reason, is_uncertain) "
        "SELECT :queue, id, attempts, started_at, 'interrupted', :reason, 1 "
        f"FROM {direction.table} WHERE {condition}",
        {"queue": direction.table, "reason": INTERRUPTED, **parameters},
    )
