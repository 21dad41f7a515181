"""The queues: once, in order, one at a time for each ordering key, and never lost."""

from datetime import timedelta

import pytest

from storage.database import Database
from storage.queue.direction import Direction
from storage.queue.producer import Draft
from storage.retention import Retention, finished

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def queue(database):
    """A queue inside one long transaction."""
    async with database.transaction() as tx:
        yield tx.to_telegram


@pytest.fixture
def take(noon):
    """Claim what is due and return the keys."""

    async def claim(queue, *, at=noon, limit=100):
        return [item.dedupe_key for item in await queue.take(now=at, limit=limit)]

    return claim


async def test_an_item_comes_back_as_it_was_put(queue, put, noon):
    """Everything that was said about an item is there when it is delivered."""
    item_id = await put(queue, "one", lane="lane")
    (item,) = await queue.take(now=noon + MINUTE, limit=5)
    assert item == await queue.get(item_id)
    assert (item.dedupe_key, item.ordering_key, item.payload) == ("one", "lane", '"one"')
    assert (item.state, item.attempts, item.progress) == ("pending", 1, 0)
    assert (item.created_at, item.expires_at) == (noon, noon + timedelta(hours=1))
    assert (item.started_at, item.due_at) == (noon + MINUTE, None)
    assert await queue.get(item.id + 1) is None


async def test_a_key_is_taken_once(queue, put, take, noon):
    """The same thing a second time changes nothing, in whatever state the first is."""
    first = await put(queue, "one")
    assert await put(queue, "one") is None
    assert await take(queue) == ["one"]
    assert await put(queue, "one") is None
    await queue.finish(first, now=noon)
    assert await put(queue, "one") is None
    parked = await queue.park(
        Draft(dedupe_key="bad", ordering_key="bad", kind="k", payload=""),
        now=noon,
        reason="unreadable",
    )
    assert parked is not None
    assert await put(queue, "bad") is None
    assert await take(queue) == []


async def test_a_key_has_one_item_under_way(queue, put, take, noon):
    """Items of one ordering key come one after another, those of others do not wait."""
    first = await put(queue, "a1", lane="a")
    await put(queue, "a2", lane="a")
    await put(queue, "b1", lane="b")
    assert await take(queue) == ["a1", "b1"]
    assert await take(queue) == []
    await queue.finish(first, now=noon)
    assert await take(queue) == ["a2"]


async def test_what_follows_a_failure_waits_with_it(queue, put, take, noon):
    """A later message does not overtake one that is tried again."""
    first = await put(queue, "a1", lane="a")
    await put(queue, "a2", lane="a")
    await take(queue)
    await queue.retry_later(first, due_at=noon + MINUTE, reason="busy")
    assert await queue.next_due_at() == noon + MINUTE
    assert await take(queue) == []
    assert await take(queue, at=noon + MINUTE) == ["a1"]


async def test_the_longest_due_goes_first(queue, put, take, noon):
    """With more due than can be taken, nobody starves."""
    for minute in (3, 1, 2):
        await put(queue, f"{minute}", at=noon + minute * MINUTE)
    taken = [await take(queue, at=noon + 5 * MINUTE, limit=1) for _ in range(3)]
    assert taken == [["1"], ["2"], ["3"]]


async def test_a_dead_item_lets_the_next_go_on(queue, put, take, noon):
    """One message that cannot be delivered does not stop the conversation."""
    first = await put(queue, "a1", lane="a")
    await put(queue, "a2", lane="a")
    await take(queue)
    await queue.bury(first, now=noon, reason="blocked")
    assert await take(queue) == ["a2"]
    item = await queue.get(first)
    assert (item.state, item.reason, item.finished_at) == ("dead", "blocked", noon)


async def test_what_steps_aside_holds_nobody_up(queue, put, take, noon):
    """An item leaves its order: what waited behind it goes on, and it is tried again apart."""
    await put(queue, "a", lane="x")
    await put(queue, "b", lane="x")
    [first] = await queue.take(now=noon, limit=9)
    await queue.step_aside(first.id, now=noon)
    assert await take(queue) == ["b"]
    later = noon + timedelta(seconds=5)
    await queue.retry_later(first.id, due_at=later, reason="unknown")
    assert await take(queue) == []
    [again] = await queue.take(now=later, limit=9)
    assert (again.dedupe_key, again.attempts) == ("a", 2)
    assert again.ordering_key != first.ordering_key
    await queue.step_aside(12345, now=noon)


async def test_uncertain_once_is_uncertain_for_ever(queue, put, take, noon):
    """That an attempt may have been carried out is not forgotten by the next failure."""
    item_id = await put(queue, "one")
    for is_uncertain in (False, True, False):
        await take(queue)
        await queue.retry_later(item_id, due_at=noon, reason="r", is_uncertain=is_uncertain)
    item = await queue.get(item_id)
    assert (item.is_uncertain, item.attempts, item.reason) == (True, 3, "r")


async def test_progress_outlives_a_failure(queue, put, take, noon):
    """A delivery of several calls goes on where it stopped, also after a person's retry."""
    item_id = await put(queue, "one")
    await take(queue)
    await queue.record_progress(item_id, progress=2)
    await queue.bury(item_id, now=noon, reason="r")
    assert await queue.retry(item_id, now=noon, expires_at=noon + MINUTE)
    (item,) = await queue.take(now=noon, limit=1)
    assert (item.progress, item.expires_at, item.finished_at) == (2, noon + MINUTE, None)


async def test_an_attempt_that_never_began_does_not_count(queue, put, take, noon):
    """What was claimed and given back is due as before."""
    item_id = await put(queue, "one")
    await take(queue)
    await queue.release(item_id, due_at=noon)
    (item,) = await queue.take(now=noon, limit=1)
    assert item.attempts == 1


class TestRetryByHand:
    """What a person tries again keeps its place, and the order holds."""

    async def test_it_goes_before_what_came_later(self, queue, put, take, noon):
        """A dead item that is tried again comes first, and the others behind it."""
        first = await put(queue, "a1", lane="a")
        second = await put(queue, "a2", lane="a")
        await take(queue)
        await queue.bury(first, now=noon, reason="r")
        assert await queue.retry(first, now=noon, expires_at=noon)
        assert await take(queue) == ["a1"]
        await queue.finish(first, now=noon)
        assert await take(queue) == ["a2"]
        assert not await queue.retry(first, now=noon, expires_at=noon)
        assert await queue.get(second) is not None

    @pytest.mark.parametrize("end", ["finish", "bury", "retry_later", "release"])
    async def test_it_waits_for_the_attempt_under_way(self, queue, put, take, noon, end):
        """Never are two items of a conversation under way; then the older one is next."""
        first = await put(queue, "a1", lane="a")
        second = await put(queue, "a2", lane="a")
        await take(queue)
        await queue.bury(first, now=noon, reason="r")
        assert await take(queue) == ["a2"]
        await queue.retry(first, now=noon, expires_at=noon)
        assert await take(queue) == []
        ends = {
            "finish": lambda: queue.finish(second, now=noon),
            "bury": lambda: queue.bury(second, now=noon, reason="r"),
            "retry_later": lambda: queue.retry_later(second, due_at=noon + MINUTE, reason="r"),
            "release": lambda: queue.release(second, due_at=noon),
        }
        await ends[end]()
        assert await take(queue, at=noon + MINUTE) == ["a1"]

    async def test_what_waits_for_its_time_is_tried_now(self, queue, put, take, noon):
        """Whoever repaired something need not wait for the next attempt."""
        first = await put(queue, "a1", lane="a")
        second = await put(queue, "a2", lane="a")
        await take(queue)
        await queue.retry_later(first, due_at=noon + 60 * MINUTE, reason="r")
        assert await queue.retry(second, now=noon, expires_at=noon)
        assert await take(queue) == ["a1"]

    async def test_there_must_be_one(self, queue, noon):
        """An unknown id is said to be unknown."""
        assert not await queue.retry(7, now=noon, expires_at=noon)
        assert not await queue.drop(7, now=noon)


class TestDrop:
    """What a person gives up is gone, but known."""

    async def test_it_lets_the_next_go_on(self, queue, put, take, noon):
        """Dropping what blocks a conversation frees it, and a repetition changes nothing."""
        first = await put(queue, "a1", lane="a")
        await put(queue, "a2", lane="a")
        assert await queue.drop(first, now=noon)
        assert await put(queue, "a1", lane="a") is None
        assert await take(queue) == ["a2"]
        assert not await queue.drop(first, now=noon)

    async def test_it_hurries_nobody(self, queue, put, take, noon):
        """Dropping a later item leaves the pause of the first one as it is."""
        first = await put(queue, "a1", lane="a")
        second = await put(queue, "a2", lane="a")
        await take(queue)
        await queue.retry_later(first, due_at=noon + MINUTE, reason="r")
        assert await queue.drop(second, now=noon)
        assert await queue.next_due_at() == noon + MINUTE

    async def test_an_attempt_under_way_ends_without_effect(self, queue, put, take, noon):
        """What was dropped while it was sent stays dropped."""
        item_id = await put(queue, "one")
        await take(queue)
        await queue.drop(item_id, now=noon)
        await queue.retry_later(item_id, due_at=noon, reason="r")
        await queue.bury(item_id, now=noon, reason="r")
        item = await queue.get(item_id)
        assert (item.state, item.reason) == ("done", "dropped by the operator")

    @pytest.mark.parametrize(
        ("end", "reason"),
        [
            pytest.param("finish", None, id="delivered"),
            pytest.param("bury", "dropped by the operator", id="undeliverable"),
            pytest.param("retry_later", "dropped by the operator", id="to-be-tried-again"),
            pytest.param("release", "dropped by the operator", id="not-begun"),
            pytest.param("recover", "dropped by the operator", id="killed"),
        ],
    )
    async def test_what_is_under_way_ends_with_its_attempt(
        self, queue, put, take, noon, end, reason
    ):
        """Its successor is not sent beside it, and goes on whatever comes of it."""
        first = await put(queue, "a1", lane="a")
        await put(queue, "a2", lane="a")
        assert await take(queue) == ["a1"]
        assert await queue.drop(first, now=noon)
        assert await take(queue) == []
        ends = {
            "finish": lambda: queue.finish(first, now=noon),
            "bury": lambda: queue.bury(first, now=noon, reason="refused"),
            "retry_later": lambda: queue.retry_later(first, due_at=noon + MINUTE, reason="down"),
            "release": lambda: queue.release(first, due_at=noon),
            "recover": lambda: queue.recover(now=noon),
        }
        await ends[end]()
        item = await queue.get(first)
        assert (item.state, item.reason) == ("done", reason)
        assert item.finished_at is not None
        assert await take(queue) == ["a2"]

    async def test_who_changes_their_mind_gets_it_tried_again(self, queue, put, take, noon):
        """A retry takes back a drop that has not had its effect."""
        item_id = await put(queue, "one")
        await take(queue)
        await queue.drop(item_id, now=noon)
        assert await queue.retry(item_id, now=noon, expires_at=noon + MINUTE)
        await queue.retry_later(item_id, due_at=noon, reason="down")
        assert await take(queue) == ["one"]


class TestRecover:
    """After a start, what the last process left is put right."""

    async def test_interrupted_attempts_are_due_and_uncertain(self, queue, put, take, noon):
        """What was under way when the process died is tried again, and known to be so."""
        await put(queue, "a1", lane="a")
        await put(queue, "a2", lane="a")
        await put(queue, "b1", lane="b")
        assert await take(queue, limit=1) == ["a1"]
        assert await queue.recover(now=noon) == 1
        items = await queue.take(now=noon, limit=9)
        assert [(item.dedupe_key, item.is_uncertain) for item in items] == [
            ("a1", True),
            ("b1", False),
        ]

    async def test_a_lane_without_a_head_moves_again(self, database, put, noon, on_writer):
        """However the due times were lost or doubled, each key has one head again."""
        async with database.transaction() as tx:
            for key in ("a1", "a2", "b1", "b2"):
                await put(tx.to_telegram, key, lane=key[0])
        await on_writer(
            database,
            lambda raw: raw.executescript(
                "UPDATE inbox SET due_at = NULL WHERE ordering_key = 'a';"
                "UPDATE inbox SET due_at = 5 WHERE ordering_key = 'b';"
            ),
        )
        async with database.transaction() as tx:
            assert await tx.to_telegram.recover(now=noon) == 0
            heads = await tx.to_telegram.take(now=noon, limit=9)
        assert [item.dedupe_key for item in heads] == ["a1", "b1"]


class TestQuestions:
    """What a person asks of a queue."""

    async def test_counts_and_ages(self, queue, put, take, noon):
        """Each state is counted; the oldest that waits is found."""
        assert await queue.counts() == {"pending": 0, "done": 0, "dead": 0}
        assert await queue.oldest_pending_at() is None
        assert await queue.next_due_at() is None
        ids = [await put(queue, f"{n}", at=noon + n * MINUTE) for n in range(4)]
        await queue.finish(ids[0], now=noon)
        await queue.bury(ids[1], now=noon, reason="r")
        assert await queue.counts() == {"pending": 2, "done": 1, "dead": 1}
        assert await queue.oldest_pending_at() == noon + 2 * MINUTE

    async def test_lists_in_pages(self, queue, put, noon):
        """Items in the wanted states come oldest first, page by page."""
        ids = [await put(queue, f"{n}") for n in range(5)]
        await queue.finish(ids[0], now=noon)
        await queue.bury(ids[3], now=noon, reason="r")

        async def listed(*states, **page):
            return [item.id for item in await queue.list_items(states=states, **page)]

        assert await listed("pending", "dead", limit=3) == ids[1:4]
        assert await listed("pending", "dead", limit=3, offset=3) == ids[4:]
        assert await listed("dead", limit=9) == [ids[3]]
        assert await listed("done", "dead", limit=9) == [ids[0], ids[3]]

    async def test_purge_removes_what_ended_long_ago(self, queue, put, noon):
        """Done and dead items go, a few in each step, waiting ones never."""
        ids = [await put(queue, f"{n}") for n in range(4)]
        await queue.finish(ids[0], now=noon)
        await queue.bury(ids[1], now=noon, reason="r")
        await queue.finish(ids[2], now=noon + 2 * MINUTE)
        retention, rule = Retention(queue._session), finished(Direction.OUTGOING, noon + MINUTE)
        assert [await retention.remove(rule, limit=1) for _ in range(3)] == [1, 1, 0]
        assert await queue.counts() == {"pending": 1, "done": 1, "dead": 0}

    async def test_an_id_is_never_used_again(self, queue, put, noon):
        """An id that a person noted down never means another item."""
        last = await put(queue, "one")
        await queue.finish(last, now=noon)
        rule = finished(Direction.OUTGOING, noon + MINUTE)
        assert await Retention(queue._session).remove(rule, limit=9) == 1
        assert await put(queue, "two") == last + 1


class TestWaking:
    """The workers are told about what is due, after the commit."""

    @pytest.mark.parametrize(
        ("what", "wakes"),
        [
            pytest.param("add", True, id="new"),
            pytest.param("again", False, id="known"),
            pytest.param("behind", False, id="behind-another"),
            pytest.param("finish", True, id="next-is-due"),
            pytest.param("take", False, id="claimed"),
        ],
    )
    async def test_only_what_is_due_wakes(self, database, put, noon, what, wakes):
        """A commit wakes its queue's worker when an item became due, and no other worker."""
        async with database.transaction() as tx:
            first = await put(tx.to_telegram, "a1", lane="a")
            await put(tx.to_telegram, "a2", lane="a")
        database.changed(Direction.OUTGOING).clear()
        does = {
            "add": lambda queue: put(queue, "b1"),
            "again": lambda queue: put(queue, "a1"),
            "behind": lambda queue: put(queue, "a3", lane="a"),
            "finish": lambda queue: queue.finish(first, now=noon),
            "take": lambda queue: queue.take(now=noon, limit=1),
        }
        async with database.transaction() as tx:
            await does[what](tx.to_telegram)
            assert not database.changed(Direction.OUTGOING).is_set()
        assert database.changed(Direction.OUTGOING).is_set() == wakes
        assert not database.changed(Direction.INCOMING).is_set()

    async def test_what_is_undone_wakes_nobody(self, database, put):
        """A worker is not sent looking for what was never committed."""

        async def undone():
            async with database.transaction() as tx:
                await put(tx.to_telegram, "one")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await undone()
        assert not database.changed(Direction.OUTGOING).is_set()


async def test_the_queues_do_not_share(path, put, keys):
    """The same key may be in both queues."""
    async with Database.open(path) as database, database.transaction() as tx:
        await put(tx.to_telegram, "one")
        await put(tx.to_kommo, "one")
    assert keys("inbox") == keys("outbox") == ["one"]
