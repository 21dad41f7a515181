"""A clock that is moved neither ends an item early nor lets it wait longer."""

from datetime import timedelta

HOUR = timedelta(hours=1)


async def test_moved_forward_nothing_is_given_up_early(database, put, noon):
    """What was there before lives an hour longer by the new time; what came after does not."""
    async with database.transaction() as tx:
        old = await put(tx.inbox, "old")
        new = await put(tx.inbox, "new", at=noon + HOUR)
        await tx.inbox.follow_clock(by_s=3600, now=noon + HOUR, before=noon)
        assert (await tx.inbox.get(old)).expires_at == noon + 2 * HOUR
        assert (await tx.inbox.get(new)).expires_at == noon + 2 * HOUR


async def test_moved_back_nothing_waits_longer(database, put, noon):
    """What was to be tried again in some minutes is, and what is due is left alone."""
    async with database.transaction() as tx:
        later, due = await put(tx.inbox, "later"), await put(tx.inbox, "due")
        await tx.inbox.take(now=noon, limit=1)
        in_five = noon + timedelta(minutes=5)
        await tx.inbox.retry_later(later, due_at=in_five, reason="r")
        await tx.inbox.follow_clock(by_s=-3600, now=noon - HOUR, before=noon)
        assert (await tx.inbox.get(later)).due_at == in_five - HOUR
        assert (await tx.inbox.get(due)).due_at == noon - HOUR
