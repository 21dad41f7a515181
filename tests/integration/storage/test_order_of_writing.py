"""Items of one key that wait stand by the moment at which they were written."""

from datetime import timedelta
from itertools import permutations

import pytest

SECOND = timedelta(seconds=1)


@pytest.fixture
async def queue(database):
    """An inbox, inside a transaction."""
    async with database.transaction() as tx:
        yield tx.to_telegram


@pytest.fixture
def wrote(queue, put, noon):
    """Add an item of lane a that was written at a second; None: nobody knows when."""

    async def add(second):
        at = None if second is None else noon + second * SECOND
        return await put(queue, f"{second}", lane="a", written_at=at)

    return add


@pytest.fixture
def delivered(queue, noon):
    """Deliver everything, one after the other; return the keys."""

    async def deliver():
        found = []
        while items := await queue.take(now=noon + timedelta(hours=1), limit=10):
            assert len(items) == 1
            found += [item.dedupe_key for item in items]
            await queue.finish(items[0].id, now=noon)
        return found

    return deliver


@pytest.mark.parametrize("arrival", list(permutations(range(4))), ids=str)
async def test_what_waits_is_delivered_as_it_was_written(wrote, delivered, arrival):
    """However webhooks overtake one another on the way."""
    for second in arrival:
        await wrote(second)
    assert await delivered() == ["0", "1", "2", "3"]


async def test_equal_and_missing_moments_keep_the_order_of_arrival(queue, put, delivered, noon):
    """Kommo tells no difference, so there is none; what has no moment goes to the end."""
    keys = {"a": 5, "b": 5, "c": None, "d": 5, "e": None, "f": 9, "g": 4}
    for key, second in keys.items():
        at = None if second is None else noon + second * SECOND
        await put(queue, key, lane="a", written_at=at)
    assert await delivered() == ["g", "a", "b", "c", "d", "e", "f"]


async def test_what_was_tried_stays_first(queue, wrote, delivered, noon):
    """It may have arrived already; what is late stands right behind it."""
    await wrote(5)
    (item,) = await queue.take(now=noon, limit=5)
    await wrote(9)
    await wrote(1)
    await queue.retry_later(item.id, due_at=noon, reason="down")
    await wrote(2)
    assert await delivered() == ["5", "1", "2", "9"]


async def test_what_was_begun_stays_first(queue, wrote, delivered, noon):
    """A message of several parts, the rest of which comes too soon, is not interrupted."""
    await wrote(5)
    (item,) = await queue.take(now=noon, limit=5)
    await queue.record_progress(item.id, progress=1)
    await queue.release(item.id, due_at=noon)
    await wrote(1)
    assert await delivered() == ["5", "1"]


async def test_what_was_put_off_before_it_began_makes_room(queue, wrote, delivered, noon):
    """Nobody has seen anything of it; until its time nothing else begins either."""
    await wrote(5)
    (item,) = await queue.take(now=noon, limit=5)
    await queue.release(item.id, due_at=noon + 9 * SECOND)
    await wrote(1)
    assert await queue.take(now=noon, limit=5) == []
    assert await delivered() == ["1", "5"]


async def test_a_start_makes_the_first_one_due(queue, wrote, delivered, noon):
    """The order outlives the process."""
    for second in (3, 1, 2):
        await wrote(second)
    await queue.take(now=noon, limit=5)
    assert await queue.recover(now=noon) == 1
    assert await delivered() == ["1", "2", "3"]


async def test_a_retried_item_is_back_in_its_old_place(queue, wrote, delivered, noon):
    """By its moment, not by when it was tried again."""
    first = await wrote(1)
    (item,) = await queue.take(now=noon, limit=5)
    await queue.bury(item.id, now=noon, reason="refused")
    for second in (2, 3):
        await wrote(second)
    assert await queue.retry(first, now=noon, expires_at=noon + timedelta(hours=2))
    assert await delivered() == ["1", "2", "3"]
