"""Attempts are kept as long as their items."""

from datetime import timedelta

from storage.queue.attempts import Attempt
from storage.queue.direction import Direction
from storage.retention import finished


def failed(item_id, noon, *, number=1):
    """Return an attempt that failed."""
    return Attempt(
        direction=Direction.OUTGOING,
        item_id=item_id,
        number=number,
        began_at=noon + timedelta(seconds=number),
        took_ms=7,
        outcome="retry_later",
        reason="down",
        is_uncertain=True,
    )


async def test_attempts_come_back_in_order(database, put, noon):
    """What was kept of each attempt of an item is there, and nothing of another item's."""
    async with database.transaction() as tx:
        one, other = await put(tx.to_telegram, "one"), await put(tx.to_telegram, "other")
        for number in (2, 1):
            await tx.attempts.record(failed(one, noon, number=number))
        await tx.attempts.record(failed(other, noon))
    async with database.snapshot() as snapshot:
        found = await snapshot.attempts.of_item(Direction.OUTGOING, one)
        assert found == [failed(one, noon, number=1), failed(one, noon, number=2)]
        assert await snapshot.attempts.of_item(Direction.INCOMING, one) == []


async def test_an_interrupted_attempt_is_kept(database, put, noon):
    """What was under way when the process died shows as interrupted, with its time."""
    async with database.transaction() as tx:
        item_id = await put(tx.to_telegram, "one")
        await tx.to_telegram.take(now=noon, limit=1)
    async with database.transaction() as tx:
        await tx.to_telegram.recover(now=noon + timedelta(hours=1))
        await tx.to_telegram.recover(now=noon + timedelta(hours=2))
        (attempt,) = await tx.attempts.of_item(Direction.OUTGOING, item_id)
    assert (attempt.outcome, attempt.number, attempt.took_ms) == ("interrupted", 1, None)
    assert attempt.began_at == noon


async def test_of_an_item_that_is_gone_no_attempt_is_kept(database, put, noon):
    """Its client was forgotten while it was tried."""
    async with database.transaction() as tx:
        item_id = await put(tx.to_telegram, "one", lane="tg:1:2")
        await tx.conversations.forget("tg:1:2")
        await tx.attempts.record(failed(item_id, noon))
        assert await tx.attempts.of_item(Direction.OUTGOING, item_id) == []


async def test_attempts_go_with_their_items(database, put, noon):
    """A purge leaves the attempts of what is still there, and no others."""
    async with database.transaction() as tx:
        gone, stays = await put(tx.to_telegram, "gone"), await put(tx.to_telegram, "stays")
        for item_id in (gone, stays):
            await tx.attempts.record(failed(item_id, noon))
        await tx.to_telegram.finish(gone, now=noon)
        rule = finished(Direction.OUTGOING, noon + timedelta(days=1))
        assert await tx.retention.remove(rule, limit=10) == 1
        assert await tx.attempts.of_item(Direction.OUTGOING, gone) == []
        assert len(await tx.attempts.of_item(Direction.OUTGOING, stays)) == 1


async def test_what_is_forgotten_leaves_no_attempts(database, put, noon):
    """Erasing a client erases what failed for them."""
    async with database.transaction() as tx:
        item_id = await put(tx.to_telegram, "one", lane="tg:1:2")
        await tx.attempts.record(failed(item_id, noon))
        await tx.conversations.forget("tg:1:2")
        assert await tx.attempts.of_item(Direction.OUTGOING, item_id) == []
