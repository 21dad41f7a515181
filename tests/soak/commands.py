"""Commands of other processes that write beside a busy service: is anything lost or damaged?

`python -m tests.soak.commands --commands 10000` prints what came of it.
"""

import argparse
import asyncio
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from storage.database import Database, Transaction
from storage.patience import persist
from storage.queue.producer import Draft
from tests.sqlite_trace import traced, unsafe

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PER_S, TICK_S, LARGEST_BATCH = 1000, 0.04, 100
"""The service's part: a thousand items a second; what a busy moment left out is made up for."""


@dataclass(frozen=True)
class Outcome:
    """What is there in the end."""

    commands: int
    items: int
    missing: int
    integrity: str
    unsafe: list[str]
    took: timedelta

    @property
    def items_per_s(self) -> float:
        """Return how many items of the service there were in a second."""
        return self.items / self.took.total_seconds()


async def _put(tx: Transaction, *, key: str) -> None:
    item_id = await tx.to_kommo.add(
        Draft(dedupe_key=key, ordering_key=key, kind="message", payload="{}"),
        now=NOON,
        expires_at=NOON,
    )
    if item_id is not None and item_id % 2:
        await tx.to_kommo.finish(item_id, now=NOON)


async def _commands(path: Path, name: str, count: int) -> None:
    """Do what commands do, one after another: open, write, close."""
    for number in range(count):
        async with Database.open(path) as database:
            await persist(database, partial(_put, key=f"{name} {number}"))


def _process(path: str, name: str, count: int) -> None:
    asyncio.run(_commands(Path(path), name, count))


async def _serve(path: Path, others: list[multiprocessing.process.BaseProcess]) -> int:
    """Put items into the queue, a thousand a second, until the others have ended."""
    count = 0
    async with Database.open(path, exclusive=True) as database:
        for other in others:
            other.start()
        began = time.monotonic()
        while any(other.is_alive() for other in others):
            due = int((time.monotonic() - began) * PER_S) - count
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(due, LARGEST_BATCH)):
                    tasks.create_task(persist(database, partial(_put, key=f"service {count}")))
                    count += 1
            await asyncio.sleep(TICK_S)
    return count


async def beside_commands(path: Path, *, commands: int, processes: int) -> Outcome:
    """Run so many commands in so many processes beside a busy service."""
    context = multiprocessing.get_context("spawn")
    share = commands // processes
    began = time.monotonic()
    others: list[multiprocessing.process.BaseProcess] = [
        context.Process(target=_process, args=(str(path), f"command {number}", share))
        for number in range(processes)
    ]
    with traced() as trace:
        items = await _serve(path, others)
    names = [f"command {process} {n}" for process in range(processes) for n in range(share)]
    expected = {*names, *(f"service {number}" for number in range(items))}
    raw = sqlite3.connect(path)
    try:
        kept = {key for (key,) in raw.execute("SELECT dedupe_key FROM outbox")}
        (integrity,) = raw.execute("PRAGMA integrity_check").fetchone()
    finally:
        raw.close()
    failed = sum(other.exitcode != 0 for other in others)
    return Outcome(
        commands=len(names),
        items=items,
        missing=len(expected - kept) + failed,
        integrity=str(integrity),
        unsafe=unsafe(trace),
        took=timedelta(seconds=time.monotonic() - began),
    )


def main() -> int:
    """Run it; return 1 when something is missing or damaged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=4)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bridge.sqlite3")
        work = beside_commands(path, commands=given.commands, processes=given.processes)
        outcome = asyncio.run(work)
    print(outcome, f"{outcome.items_per_s:.0f} items a second")
    return 0 if (outcome.missing, outcome.integrity, outcome.unsafe) == (0, "ok", []) else 1


if __name__ == "__main__":
    sys.exit(main())
