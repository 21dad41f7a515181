"""Processes that share a database let each other by."""

import asyncio
import contextlib
import multiprocessing
import sqlite3
from datetime import UTC, datetime

import pytest

from storage.database import Database
from storage.patience import persist
from storage.queue.producer import Draft
from storage.sqlite import turns
from storage.sqlite.lock import instance_lock
from storage.sqlite.turns import Turns

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SPAWN = multiprocessing.get_context("spawn")
COMMANDS, TASKS = 12, 16
COMMITS_BETWEEN = 25
"""A command may come in the middle of one, find the next begun, and be slow itself."""


async def put(database, key):
    """Store an item; return its number."""

    async def work(tx):
        draft = Draft(key, ordering_key=key, kind="message", payload="{}")
        return await tx.to_kommo.add(draft, now=NOON, expires_at=NOON)

    return await persist(database, work, within_s=30)


def be_commands(path, said):
    """Be commands, one after another: say how many items the service stored beside each."""

    async def act(number):
        async with Database.open(path) as database:
            with contextlib.closing(sqlite3.connect(path)) as reader:
                (before,) = reader.execute("SELECT max(id) FROM outbox").fetchone()
            return await put(database, f"command {number}") - before

    said.put([asyncio.run(act(number)) for number in range(COMMANDS)])


def be_waiting(path):
    """Be a command that finds the database in use."""

    async def act():
        async with Database.open(path) as database:
            await put(database, "late")

    asyncio.run(act())


@pytest.fixture
def begin():
    """Start a process; it is killed in the end."""
    begun = []

    def act(target, *arguments):
        process = SPAWN.Process(target=target, args=arguments)
        process.start()
        begun.append(process)
        return process

    yield act
    for process in begun:
        process.kill()
        process.join()


async def until(is_so):
    """Wait for something that is going to happen."""
    for _look in range(3000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it has not happened")


async def test_a_command_does_not_starve_beside_a_busy_service(tmp_path, begin):
    """A service that commits without a pause lets a command by after a few commits."""
    path, is_over = tmp_path / "x.sqlite3", asyncio.Event()
    async with Database.open(path, exclusive=True) as database:

        async def write(name):
            number = 0
            while not is_over.is_set():
                number += 1
                await put(database, f"{name} {number}")

        async with asyncio.TaskGroup() as tasks:
            for name in range(TASKS):
                tasks.create_task(write(name))
            said = SPAWN.Queue()
            begin(be_commands, path, said)
            beside = await asyncio.to_thread(said.get, timeout=60)
            is_over.set()
    assert len(beside) == COMMANDS
    assert max(beside) <= COMMITS_BETWEEN * TASKS, beside


@pytest.fixture
def watch(tmp_path):
    """A database that another program has locked, and what the service sees of who waits."""
    path = tmp_path / "x.sqlite3"

    async def make():
        async with Database.open(path):
            pass

    asyncio.run(make())
    with (
        instance_lock(path),
        Turns.open(path) as seen,
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        yield path, seen


async def test_who_was_killed_waits_no_more(watch, begin):
    """The kernel takes the word of a process back."""
    path, seen = watch
    assert not seen.must_give_way()
    process = begin(be_waiting, path)
    await until(seen.must_give_way)
    process.kill()
    process.join()
    assert not seen.must_give_way()


async def test_who_is_stuck_is_let_by_for_a_while_only(watch, begin, monkeypatch):
    """A command that was stopped in the terminal slows nothing down for good."""
    monkeypatch.setattr(turns, "LONGEST_WAIT_S", 0.2)
    path, seen = watch
    begin(be_waiting, path)
    await until(seen.must_give_way)
    await until(lambda: not seen.must_give_way())
