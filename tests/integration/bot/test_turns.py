"""Whose turn it is: one of a bot's calls at a time."""

import asyncio

import pytest

from bot.deliver.telegram.stagger import StoppedError, Turns

LONG_S, SHORT_S = 60.0, 0.01


@pytest.fixture
def turns():
    """The turns of a bot."""
    return Turns()


@pytest.fixture
def wait(turns):
    """Let somebody wait for a turn; returns the task."""

    async def act(lane=""):
        task = asyncio.create_task(turns.turn(lane))
        await asyncio.sleep(0)
        return task

    return act


async def settled():
    """Let everybody learn what happened."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_next_waits_for_the_end(turns, wait):
    """Whoever has the turn keeps it until the end, which may be said more than once."""
    first = await turns.turn("")
    first.begin(LONG_S)
    second, third = await wait(), await wait()
    first.end()
    first.end()
    await settled()
    assert (second.done(), third.done()) == (True, False)
    second.result().end()
    await third


async def test_who_takes_too_long_holds_up_nobody_for_ever(turns, wait):
    """The turn is passed on, and its late end takes it from nobody."""
    first = await turns.turn("")
    first.begin(SHORT_S)
    second = await (await wait())
    assert first.was_too_long
    third = await wait()
    first.end()
    await settled()
    assert not third.done()
    second.end()
    assert await third


async def test_the_lanes_have_a_turn_each(turns, wait):
    """An answer waits for one message of a broadcast, not for all of them."""
    first = await turns.turn("later")
    broadcast = [await wait("later") for _ in range(3)]
    answer = await wait("")
    first.end()
    await settled()
    assert [task.done() for task in broadcast] == [True, False, False]
    broadcast[0].result().end()
    await settled()
    assert answer.done()


async def test_who_waits_no_longer_is_passed_over(turns, wait):
    """Also when the turn was given at the same moment."""
    first = await turns.turn("")
    gone, given, last = await wait(), await wait(), await wait()
    gone.cancel()
    await settled()
    first.end()
    given.cancel()
    await settled()
    assert (await last) is not None
    assert gone.cancelled()
    assert given.cancelled()


async def test_after_a_stop_there_are_no_turns(turns, wait):
    """Who waits learns it at once, however long the call in flight takes."""
    first = await turns.turn("")
    first.begin(LONG_S)
    waiting = [await wait(lane) for lane in ("", "", "later")]
    turns.stop()
    for task in waiting:
        with pytest.raises(StoppedError):
            await task
    first.end()
    with pytest.raises(StoppedError):
        await turns.turn("")
