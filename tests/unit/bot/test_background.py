"""Work beside the deliveries: some at a time, each once, and its end does not matter."""

import asyncio

from bot.background import Background


async def test_some_at_a_time_and_each_once():
    """What is under way or waits is not begun again; what is too much is left out."""
    going_on, begun = asyncio.Event(), []

    def work(name):
        async def act():
            begun.append(name)
            await going_on.wait()

        return act

    async with Background(2, most=3) as background:
        assert [background.start(name, work(name)) for name in "aabcd"] == [True] * 4 + [False]
        await asyncio.sleep(0.01)
        assert begun == ["a", "b"]
        going_on.set()
        await asyncio.sleep(0.01)
        assert begun == ["a", "b", "c"]
        assert background.start("a", work("a"))


async def test_what_fails_or_hangs_harms_nobody(caplog):
    """A bug is logged, and what is under way at the end is given up."""

    async def fail():
        raise ValueError("a bug")

    async with Background(1) as background:
        background.start("fails", fail)
        await asyncio.sleep(0.01)
        background.start("hangs", asyncio.Event().wait)
        await asyncio.sleep(0.01)
    assert "a bug" in caplog.text
