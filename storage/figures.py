"""Figures: how many items ended, and when."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from storage.engine import Session
from storage.queue.direction import Direction
from storage.timestamps import to_ms


class FigureReader:
    """What can be counted."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def delivered(
        self,
        direction: Direction,
        *,
        kinds: Sequence[str],
        since: datetime,
        step: timedelta,
        steps: int,
    ) -> list[int]:
        """Return how many items of these kinds were delivered in each step since a moment."""
        names = {f"kind{number}": kind for number, kind in enumerate(kinds)}
        rows = await self._session.rows(
            f"SELECT (finished_at - :since) / :step, count(*) FROM {direction.table} "
            "WHERE finished_at >= :since AND state = 'done' "
            f"AND kind IN ({', '.join(':' + name for name in names)}) GROUP BY 1",
            {**names, "since": to_ms(since), "step": int(step.total_seconds() * 1000)},
        )
        counted = {int(number): int(count) for number, count in rows}
        return [counted.get(number, 0) for number in range(steps)]
