"""What reading back a history asks of the queue: what is known, what waits, and its order."""

from datetime import timedelta

import pytest

from storage.conversations import Conversation
from storage.message_reader import ReceivedMessage
from storage.queue.producer import Draft

SECOND = timedelta(seconds=1)


async def held(queue, key, noon, *, for_s=10):
    """Add an item of lane a that waits for a while."""
    return await queue.add(
        Draft(dedupe_key=key, ordering_key="a", kind="k", payload="{}"),
        now=noon,
        expires_at=noon,
        not_before=noon + for_s * SECOND,
    )


async def keys_in_order(queue, noon):
    """Deliver everything; return the keys in the order of delivery."""
    found = []
    while items := await queue.take(now=noon + timedelta(hours=1), limit=10):
        for item in items:
            found.append(item.dedupe_key)
            await queue.finish(item.id, now=noon)
    return found


async def test_an_item_can_wait_for_its_moment(database, noon):
    """What is held is due at its moment, or as soon as it may go on."""
    async with database.transaction() as tx:
        await held(tx.to_telegram, "one", noon)
        assert await tx.to_telegram.take(now=noon, limit=5) == []
        await tx.to_telegram.go_on("a", now=noon)
        assert len(await tx.to_telegram.take(now=noon, limit=5)) == 1
        await tx.to_telegram.go_on("a", now=noon)
        assert await tx.to_telegram.take(now=noon, limit=5) == []


async def test_what_is_tried_again_keeps_its_pause(database, put, noon):
    """Letting hooks go on does not hurry what failed."""
    async with database.transaction() as tx:
        item_id = await put(tx.to_telegram, "one", lane="a")
        await tx.to_telegram.take(now=noon, limit=5)
        await tx.to_telegram.retry_later(item_id, due_at=noon + SECOND, reason="down")
        await tx.to_telegram.go_on("a", now=noon)
        assert await tx.to_telegram.take(now=noon, limit=5) == []


async def test_an_untried_item_can_be_put_behind(database, put, noon):
    """A held item makes room for an older one, and goes on after it."""
    async with database.transaction() as tx:
        await held(tx.to_telegram, "later", noon)
        await put(tx.to_telegram, "earlier", lane="a")
        (first, _second) = await tx.to_telegram.untried("a")
        await tx.to_telegram.put_behind(first)
        await tx.to_telegram.go_on("a", now=noon)
        assert await keys_in_order(tx.to_telegram, noon) == ["earlier", "later"]


async def test_what_is_under_way_stays_where_it_is(database, put, noon):
    """An item that is being delivered is not moved."""
    async with database.transaction() as tx:
        await put(tx.to_telegram, "one", lane="a")
        await put(tx.to_telegram, "two", lane="a")
        (taken,) = await tx.to_telegram.take(now=noon, limit=5)
        await tx.to_telegram.put_behind(taken)
        assert [item.dedupe_key for item in await tx.to_telegram.untried("a")] == ["two"]
        assert await tx.to_telegram.get(taken.id) == taken


@pytest.mark.parametrize("count", [0, 1, 1200])
async def test_what_is_known_is_told_for_many_at_once(database, put, noon, count):
    """However many are asked for."""
    async with database.transaction() as tx:
        await put(tx.to_telegram, "k0")
        await tx.messages.remember_incoming(ReceivedMessage("k0", "c", 1, 2, 3, noon))
        await tx.messages.bind_kommo("k0", "k0")
        asked = [f"k{number}" for number in range(count)]
        expected = {"k0"} if count else set()
        assert await tx.to_telegram.known(asked) == expected
        assert await tx.messages.known_external(asked) == expected
        assert await tx.messages.known_kommo(asked) == expected
        assert await tx.messages.has_reached_kommo("c")
        assert not await tx.messages.has_reached_kommo("d")


async def test_conversations_come_by_their_latest_message(database, noon):
    """Those with the latest message of either side first; on demand only the recent ones."""
    hour = timedelta(hours=1)
    async with database.transaction() as tx:
        for number, (incoming, outgoing) in enumerate(
            [(1, None), (5, 2), (3, 4), (None, None)], start=1
        ):
            await tx.conversations.remember(
                Conversation(
                    f"c{number}",
                    1,
                    number,
                    "Ann",
                    noon,
                    last_incoming_at=noon - incoming * hour if incoming else None,
                    last_outgoing_at=noon - outgoing * hour if outgoing else None,
                )
            )
        assert await tx.conversations.by_activity() == ["c1", "c2", "c3", "c4"]
        assert await tx.conversations.by_activity(since=noon - 3 * hour) == ["c1", "c2", "c3"]
        assert await tx.conversations.by_activity(since=noon) == []


async def test_activity_is_the_latest_of_either_side(database, noon):
    """Or when a conversation was first heard of, where nobody said anything yet."""
    hour = timedelta(hours=1)
    async with database.transaction() as tx:
        for number, (incoming, outgoing) in enumerate([(1, 2), (2, 1), (None, None)]):
            await tx.conversations.remember(
                Conversation(
                    f"c{number}",
                    1,
                    number,
                    "Ann",
                    noon - 9 * hour,
                    last_incoming_at=noon - incoming * hour if incoming else None,
                    last_outgoing_at=noon - outgoing * hour if outgoing else None,
                )
            )
        assert await tx.conversations.activity(since=noon - 10 * hour) == {
            "c0": noon - hour,
            "c1": noon - hour,
            "c2": noon - 9 * hour,
        }
        assert set(await tx.conversations.activity(since=noon - 2 * hour)) == {"c0", "c1"}


async def test_what_waits_and_what_arrived_is_told_by_conversation(database, put, noon):
    """A conversation is not in Kommo before something of it has arrived."""
    async with database.transaction() as tx:
        await put(tx.to_kommo, "one", lane="c1")
        done = await put(tx.to_kommo, "two", lane="c2")
        await tx.to_kommo.finish(done, now=noon)
        assert await tx.to_kommo.waits_for(["c1", "c2", "c3"]) == {"c1"}
        for at, key in [(noon, "m2"), (noon - SECOND, "m1")]:
            message_id = int(key[1:])
            await tx.messages.remember_incoming(ReceivedMessage(key, "c2", 1, 2, message_id, at))
        assert await tx.messages.reached_kommo(["c1", "c2"]) == set()
        await tx.messages.bind_kommo("m1", "k1")
        assert await tx.messages.reached_kommo(["c1", "c2"]) == {"c2"}
        assert await tx.messages.first_at("c2") == noon - SECOND
        assert await tx.messages.first_at("c3") is None


async def test_a_doubt_only_grows_and_is_forgotten_with_its_client(database, noon):
    """A later look that knows less does not end it."""
    async with database.transaction() as tx:
        await tx.conversations.remember(Conversation("c1", 1, 1, "Ann", noon))
        assert await tx.doubts.until("c1") is None
        await tx.doubts.save("c1", until=noon)
        await tx.doubts.save("c1", until=noon - SECOND)
        assert await tx.doubts.until("c1") == noon
        await tx.conversations.forget("c1")
        assert await tx.doubts.until("c1") is None
