"""A real database in a folder of its own."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.database import Database
from storage.queue.durable import DurableQueue
from storage.queue.producer import Draft
from tests.sqlite_raw import raw_writer

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def noon():
    """The moment at which the stories begin."""
    return NOON


@pytest.fixture
def path(tmp_path):
    """Where the database is."""
    return tmp_path / "bridge.sqlite3"


@pytest.fixture
async def database(path):
    """An open database."""
    async with Database.open(path) as opened:
        yield opened


@pytest.fixture
def put():
    """Add an item to a queue; its key says all there is to say."""

    async def add(
        queue: DurableQueue,
        key: str,
        *,
        lane: str | None = None,
        at: datetime = NOON,
        written_at: datetime | None = None,
    ):
        return await queue.add(
            Draft(
                dedupe_key=key,
                ordering_key=lane or key,
                conversation_id=lane,
                kind="message",
                payload=f'"{key}"',
            ),
            now=at,
            expires_at=at + timedelta(hours=1),
            written_at=written_at,
        )

    return add


@pytest.fixture
def keys(path):
    """Return the dedupe keys of a queue that another connection can see."""

    def read(table: str = "inbox", *, file: Path = path) -> list[str]:
        with sqlite3.connect(file) as connection:
            found = connection.execute(f"SELECT dedupe_key FROM {table} ORDER BY id").fetchall()
        connection.close()
        return [key for (key,) in found]

    return read


@pytest.fixture
def on_writer():
    """Do something on the thread of the connection that writes."""

    async def call(database: Database, work: Callable[[sqlite3.Connection], Any]) -> Any:
        return await raw_writer(database).call(work)

    return call


@pytest.fixture
def python():
    """Run a program in a process of its own, with the database's path as its argument."""

    def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
