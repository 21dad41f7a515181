"""Work in turns: everybody is served, in order, and one failure is one caller's."""

import asyncio

import pytest

from bot.receive.batches import LARGEST_BATCH, Batcher


class Shelf:
    """What is put on it in each turn; a turn lasts until it is let go."""

    def __init__(self):
        self.turns = []
        self.go = asyncio.Event()

    async def put(self, items):
        self.turns.append(list(items))
        await self.go.wait()
        if "burnt" in items:
            raise OSError("the shelf is burnt")
        return [ValueError(item) if item == "rotten" else None for item in items]


@pytest.fixture
def shelf():
    """Return what the work is done on."""
    return Shelf()


@pytest.fixture
def together(shelf):
    """Return the turns."""
    return Batcher(shelf.put)


async def _all(together, items):
    callers = [asyncio.create_task(together.do(item)) for item in items]
    await asyncio.sleep(0)
    return callers


async def test_what_comes_meanwhile_is_the_next_turn(shelf, together):
    """In the order in which it came, so many at most."""
    first = await _all(together, [0])
    await asyncio.sleep(0)
    others = await _all(together, range(1, LARGEST_BATCH + 3))
    shelf.go.set()
    await asyncio.gather(*first, *others)
    assert [len(turn) for turn in shelf.turns] == [1, LARGEST_BATCH, 2]
    assert [item for turn in shelf.turns for item in turn] == list(range(LARGEST_BATCH + 3))


async def test_each_caller_learns_of_its_own_failure(shelf, together):
    """The others of the same turn are served."""
    shelf.go.set()
    callers = await _all(together, ["good", "rotten", "fine"])
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]


async def test_a_turn_that_fails_fails_for_all_of_it_and_the_next_one_goes_on(shelf, together):
    """Nobody waits for ever."""
    shelf.go.set()
    outcomes = await asyncio.gather(
        *await _all(together, ["good", "burnt"]), return_exceptions=True
    )
    assert [str(outcome) for outcome in outcomes] == 2 * ["the shelf is burnt"]
    await together.do("good")
    assert len(shelf.turns) == 2


async def test_a_caller_that_goes_away_disturbs_nobody(shelf, together):
    """Its work is done all the same."""
    gone, there = await _all(together, ["gone", "there"])
    gone.cancel()
    shelf.go.set()
    await there
    assert gone.cancelled()
    assert shelf.turns == [["gone", "there"]]


async def test_who_waits_for_a_turn_that_is_ended_is_told(shelf, together):
    """As when the loop ends."""
    [caller] = await _all(together, ["good"])
    await asyncio.sleep(0)
    [turns] = asyncio.all_tasks() - {asyncio.current_task(), caller}
    turns.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
