"""A clock that is moved neither ends an item early nor lets it wait longer."""

from datetime import timedelta

from storage.grants import Grant

HOUR = timedelta(hours=1)


async def test_moved_forward_nothing_is_given_up_early(database, put, noon):
    """What was there before lives an hour longer by the new time; what came after does not."""
    async with database.transaction() as tx:
        old = await put(tx.to_telegram, "old")
        new = await put(tx.to_telegram, "new", at=noon + HOUR)
        await tx.to_telegram.follow_clock(by_s=3600, now=noon + HOUR, before=noon)
        assert (await tx.to_telegram.get(old)).expires_at == noon + 2 * HOUR
        assert (await tx.to_telegram.get(new)).expires_at == noon + 2 * HOUR


async def test_moved_back_nothing_waits_longer(database, put, noon):
    """What was to be tried again in some minutes is, and what is due is left alone."""
    async with database.transaction() as tx:
        later, due = await put(tx.to_telegram, "later"), await put(tx.to_telegram, "due")
        await tx.to_telegram.take(now=noon, limit=1)
        in_five = noon + timedelta(minutes=5)
        await tx.to_telegram.retry_later(later, due_at=in_five, reason="r")
        await tx.to_telegram.follow_clock(by_s=-3600, now=noon - HOUR, before=noon)
        assert (await tx.to_telegram.get(later)).due_at == in_five - HOUR
        assert (await tx.to_telegram.get(due)).due_at == noon - HOUR


async def test_set_back_across_a_restart_nothing_waits_for_the_clock(database, put, noon):
    """What waits for a moment that no pause can reach is tried again at once, and not longer."""
    async with database.transaction() as tx:
        far, near = (
            await put(tx.to_telegram, "far"),
            await put(tx.to_telegram, "near", at=noon - 9 * HOUR),
        )
        await tx.to_telegram.take(now=noon, limit=2)
        earlier = noon - 8 * HOUR
        soon = earlier + timedelta(minutes=5)
        await tx.to_telegram.retry_later(far, due_at=noon + timedelta(minutes=1), reason="r")
        await tx.to_telegram.retry_later(near, due_at=soon, reason="r")
        await tx.to_telegram.recover(now=earlier, latest=earlier + HOUR)
        assert (await tx.to_telegram.get(far)).due_at == earlier
        assert (await tx.to_telegram.get(far)).expires_at == earlier + HOUR
        assert (await tx.to_telegram.get(near)).due_at == soon
        assert (await tx.to_telegram.get(near)).expires_at == noon - 8 * HOUR


async def test_what_waits_behind_it_goes_on_too(database, put, noon):
    """A conversation does not stand still because its first item came from the future."""
    async with database.transaction() as tx:
        first = await put(tx.to_telegram, "first", lane="a")
        await tx.to_telegram.take(now=noon, limit=1)
        await tx.to_telegram.retry_later(first, due_at=noon + HOUR, reason="r")
        earlier = noon - 8 * HOUR
        await tx.to_telegram.recover(now=earlier, latest=earlier)
        await put(tx.to_telegram, "second", lane="a", at=earlier)
        (taken,) = await tx.to_telegram.take(now=earlier, limit=5)
        await tx.to_telegram.finish(taken.id, now=earlier)
        (next_one,) = await tx.to_telegram.take(now=earlier, limit=5)
        assert (taken.id, next_one.dedupe_key) == (first, "second")


async def test_a_lease_from_the_future_ends(database, noon):
    """Whoever was killed while it renewed the access blocks nobody until the old time comes."""
    minute = timedelta(minutes=1)
    async with database.transaction() as tx:
        await tx.grants.put(Grant("c", "https://a.example", "fake", "fake", noon, noon))
        assert await tx.grants.take("c", by="killed", now=noon, until=noon + minute)
        assert not await tx.grants.take("c", by="next", now=noon, until=noon + minute)
        earlier = noon - 8 * HOUR
        assert await tx.grants.take("c", by="next", now=earlier, until=earlier + minute)
