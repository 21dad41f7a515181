"""The order of a queue, whatever workers, operators and restarts do to it."""

import random
from datetime import timedelta

import pytest

from storage.queue.direction import Direction
from storage.retention import Retention, finished

LANES = "abc"

BROKEN = """
SELECT ordering_key FROM inbox WHERE state = 'pending' GROUP BY ordering_key
HAVING count(due_at) + count(started_at) <> 1
    OR (count(due_at) = 1 AND max(CASE WHEN due_at IS NOT NULL THEN id END) <> min(id))
"""
"""Ordering keys that stand still, have two items on their way, or let a later one overtake."""


class Play:
    """A worker and an operator at one queue, who do what they please, by the dice."""

    def __init__(self, queue, dice, put, noon):
        self.queue, self.dice, self.put, self.now = queue, dice, put, noon
        self.stored = []
        self.under_way = []

    async def step(self):
        """Do something that may happen at any time."""
        self.now += timedelta(seconds=self.dice.randrange(20))
        what = self.dice.choices(
            [
                self.add,
                self.take,
                self.end,
                self.retry,
                self.drop,
                self.aside,
                self.purge,
                self.restart,
            ],
            weights=[8, 6, 8, 2, 2, 1, 1, 1],
        )
        await what[0]()

    async def add(self):
        lane = self.dice.choice(LANES)
        key = f"{lane}{len(self.stored)}"
        self.stored.append(await self.put(self.queue, key, lane=lane, at=self.now))

    async def take(self):
        taken = await self.queue.take(now=self.now, limit=self.dice.randrange(1, 3))
        self.under_way += [item.id for item in taken]

    async def end(self):
        if not self.under_way:
            return
        item_id = self.under_way.pop(self.dice.randrange(len(self.under_way)))
        later = self.now + timedelta(seconds=self.dice.randrange(60))
        ends = [
            self.queue.finish(item_id, now=self.now),
            self.queue.bury(item_id, now=self.now, reason="r"),
            self.queue.retry_later(item_id, due_at=later, reason="r"),
            self.queue.release(item_id, due_at=self.now),
        ]
        chosen = ends.pop(self.dice.randrange(len(ends)))
        for other in ends:
            other.close()
        await chosen

    async def aside(self):
        if self.under_way:
            await self.queue.step_aside(self.dice.choice(self.under_way), now=self.now)

    async def retry(self):
        if self.stored:
            await self.queue.retry(
                self.dice.choice(self.stored), now=self.now, expires_at=self.now
            )

    async def drop(self):
        if self.stored:
            await self.queue.drop(self.dice.choice(self.stored), now=self.now)

    async def purge(self):
        rule = finished(Direction.OUTGOING, self.now - timedelta(minutes=5))
        await Retention(self.queue._session).remove(rule, limit=1000)

    async def restart(self):
        self.under_way.clear()
        await self.queue.recover(now=self.now)


@pytest.mark.parametrize("seed", range(8))
async def test_each_key_has_one_item_on_its_way(database, put, noon, on_writer, seed):
    """Nothing that may happen stops a conversation, doubles its head or lets a later one first."""
    async with database.transaction() as tx:
        play = Play(tx.to_telegram, random.Random(seed), put, noon)
        for _ in range(300):
            await play.step()
            broken = await on_writer(database, lambda raw: raw.execute(BROKEN).fetchall())
            assert not broken
        assert (await tx.to_telegram.counts())["done"]
        waiting = (await tx.to_telegram.counts())["pending"]
        await play.restart()
        for _ in range(waiting):
            (item,) = await tx.to_telegram.take(now=play.now + timedelta(days=1), limit=1)
            await tx.to_telegram.finish(item.id, now=play.now)
        assert (await tx.to_telegram.counts())["pending"] == 0
