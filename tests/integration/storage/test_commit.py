"""Group commit: many transactions, few commits, and each its own fate."""

import asyncio
import random
import sqlite3

import pytest

from storage.database import Database
from storage.sqlite import writer


@pytest.fixture
async def commits(database, on_writer):
    """The statements that ended a transaction, as they happen."""
    seen: list[str] = []

    def trace(statement):
        if statement in {"COMMIT", "ROLLBACK"}:
            seen.append(statement)

    await on_writer(database, lambda raw: raw.set_trace_callback(trace))
    return seen


@pytest.fixture
def patient(monkeypatch):
    """Groups close when they are full, not when they are old."""
    monkeypatch.setattr(writer, "GROUP_AGE_S", float("inf"))


async def test_one_transaction_is_one_commit(database, put, keys, commits):
    """What a block did is on disk when it is left."""
    async with database.transaction() as tx:
        await put(tx.to_telegram, "one")
        await put(tx.to_telegram, "two")
        assert keys() == []
    assert keys() == ["one", "two"]
    assert commits == ["COMMIT"]


async def test_reading_and_nothing_write_nothing(database, commits):
    """A block that asks nothing of the database costs nothing."""
    async with database.transaction():
        pass
    assert commits == []


@pytest.mark.usefixtures("patient")
async def test_those_who_wait_share_a_commit(database, put, keys, commits):
    """A hundred callers at once cost one commit, and each goes on only after it."""

    async def one(number):
        async with database.transaction() as tx:
            await put(tx.to_telegram, f"{number}")
        assert f"{number}" in keys()

    await asyncio.gather(*(one(number) for number in range(100)))
    assert commits == ["COMMIT"]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("bodies", "expected"), [(128, 1), (129, 2), (300, 3)])
async def test_a_group_is_not_without_end(database, put, commits, bodies, expected):
    """The first of very many does not wait for all of them."""

    async def one(number):
        async with database.transaction() as tx:
            await put(tx.to_telegram, f"{number}")

    await asyncio.gather(*(one(number) for number in range(bodies)))
    assert commits == ["COMMIT"] * expected


async def test_an_old_group_takes_nobody_in(database, put, commits, monkeypatch):
    """When bodies are slow, those before them are not kept waiting."""
    monkeypatch.setattr(writer, "GROUP_AGE_S", 0.0)

    async def one(number):
        async with database.transaction() as tx:
            await put(tx.to_telegram, f"{number}")

    await asyncio.gather(*(one(number) for number in range(5)))
    assert commits == ["COMMIT"] * 5


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("failing", [0, 1, 4], ids=["first", "second", "last"])
async def test_one_that_fails_fails_alone(database, put, keys, failing):
    """The work of a block that raises is undone; the others of its group are kept."""

    async def one(number):
        async with database.transaction() as tx:
            await put(tx.to_telegram, f"{number}a")
            await put(tx.to_telegram, f"{number}b")
            if number == failing:
                raise ZeroDivisionError

    results = await asyncio.gather(*(one(n) for n in range(5)), return_exceptions=True)
    assert [isinstance(result, ZeroDivisionError) for result in results] == [
        number == failing for number in range(5)
    ]
    kept = [number for number in range(5) if number != failing]
    assert keys() == [f"{number}{half}" for number in kept for half in "ab"]


@pytest.mark.usefixtures("patient")
async def test_all_that_fail_leave_nothing(database, put, keys):
    """When nobody's work is kept, nothing is; and the next one works."""

    async def one(number):
        async with database.transaction() as tx:
            await put(tx.to_telegram, f"{number}")
            raise ZeroDivisionError

    await asyncio.gather(*(one(n) for n in range(5)), return_exceptions=True)
    async with database.transaction() as tx:
        await put(tx.to_telegram, "after")
    assert keys() == ["after"]


async def test_an_error_that_is_dealt_with_is_none(database, put, keys):
    """A block that catches its statement's error may go on and is committed."""
    async with database.transaction() as tx:
        await put(tx.to_telegram, "one")
        with pytest.raises(sqlite3.IntegrityError):
            await tx.facts.put("two", None)
        await put(tx.to_telegram, "three")
    assert keys() == ["one", "three"]


@pytest.mark.usefixtures("patient")
async def test_blocks_see_what_was_done_before_them(database, put, noon):
    """Transactions behave as if they ran one after another."""

    async def claim():
        async with database.transaction() as tx:
            return len(await tx.to_telegram.take(now=noon, limit=3))

    async with database.transaction() as tx:
        for number in range(10):
            await put(tx.to_telegram, f"{number}")
    assert sorted(await asyncio.gather(*(claim() for _ in range(5)))) == [0, 1, 3, 3, 3]


async def test_a_transaction_inside_another_is_a_bug(database):
    """Waiting for oneself is said at once, not by standing still."""
    async with database.transaction():
        with pytest.raises(RuntimeError, match="inside a transaction"):
            async with database.transaction():
                pass


async def test_a_transaction_ends_with_its_block(database, put):
    """What is kept from an earlier block cannot write into somebody else's."""
    async with database.transaction() as kept:
        pass
    with pytest.raises(RuntimeError, match="after its end"):
        await put(kept.to_telegram, "late")


async def test_a_snapshot_does_not_wait(database, put):
    """Reading goes on while a transaction is open, and sees what was committed."""
    async with database.transaction() as tx:
        await put(tx.to_telegram, "one")
        async with database.snapshot() as snapshot:
            assert (await snapshot.to_telegram.counts())["pending"] == 0
    async with database.snapshot() as snapshot:
        assert (await snapshot.to_telegram.counts())["pending"] == 1


class TestCancelled:
    """A caller may be cancelled anywhere; nobody else notices."""

    async def test_inside_its_block(self, database, put, keys):
        """What a cancelled block did is undone."""
        began = asyncio.Event()

        async def cancelled():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "never")
                began.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(cancelled())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with database.transaction() as tx:
            await put(tx.to_telegram, "after")
        assert keys() == ["after"]

    @pytest.mark.usefixtures("patient")
    async def test_as_the_last_that_waits(self, database, put, keys):
        """Those whose commit was left to a cancelled caller are committed all the same."""
        held, go = asyncio.Event(), asyncio.Event()

        async def first():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "first")
                held.set()
                await go.wait()

        async def second():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "second")

        one = asyncio.create_task(first())
        await held.wait()
        two = asyncio.create_task(second())
        await asyncio.sleep(0)
        go.set()
        two.cancel()
        await asyncio.wait_for(one, 10)
        assert two.cancelled() or await asyncio.wait([two])
        assert keys() == ["first"]

    @pytest.mark.usefixtures("patient")
    async def test_while_it_waits_for_the_commit(self, path, put, keys):
        """Work that was complete is committed, whoever stopped waiting for it."""
        async with Database.open(path) as database:

            async def one(number):
                async with database.transaction() as tx:
                    await put(tx.to_telegram, f"{number}")

            async def last():
                async with database.transaction() as tx:
                    for task in tasks:
                        task.cancel()
                    await put(tx.to_telegram, "last")

            tasks = [asyncio.create_task(one(number)) for number in range(5)]
            await asyncio.sleep(0)  # all five stand in line
            await last()
            await asyncio.wait(tasks)
        assert keys() == ["0", "1", "2", "3", "4", "last"]

    @pytest.mark.parametrize("seed", range(6))
    async def test_hundreds_at_random(self, path, put, keys, seed):
        """In a storm of cancellations no work is halved, and none that was confirmed is lost."""
        dice = random.Random(seed)
        returned, failed = set(), set()

        async def pair(database, number):
            try:
                async with database.transaction() as tx:
                    await put(tx.to_telegram, f"{number}a")
                    await asyncio.sleep(0)
                    if number % 7 == 0:
                        raise ZeroDivisionError
                    await put(tx.to_telegram, f"{number}b")
            except ZeroDivisionError:
                failed.add(number)
            else:
                returned.add(number)

        async with Database.open(path) as database:
            tasks = [asyncio.create_task(pair(database, number)) for number in range(400)]
            running = set(tasks)
            while running:
                for task in dice.sample(sorted(running, key=id), min(3, len(running))):
                    task.cancel()
                for _ in range(dice.randrange(12)):
                    await asyncio.sleep(0)
                _, running = await asyncio.wait(running, timeout=0.001)
            async with asyncio.timeout(10), database.transaction() as tx:
                await put(tx.to_telegram, "after")
        stored = set(keys())
        assert {key[:-1] for key in stored if key.endswith("a")} == {
            key[:-1] for key in stored if key.endswith("b")
        }
        assert returned
        assert len(returned) < 400
        assert {f"{number}a" for number in returned} <= stored
        assert not {f"{number}a" for number in failed} & stored
        assert "after" in stored


@pytest.mark.usefixtures("patient")
async def test_closing_finishes_what_was_left(path, put, keys):
    """A database that is closed right after its callers were cancelled loses nothing."""
    async with Database.open(path) as database:

        async def one():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "one")
                complete.set()

        complete = asyncio.Event()
        task = asyncio.create_task(one())
        await complete.wait()
        task.cancel()
    assert keys() == ["one"]
