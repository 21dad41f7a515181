"""With a hundred thousand items waiting, every question is answered from an index."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from storage.conversations import Conversation
from storage.database import Database
from storage.message_reader import ReceivedMessage, SentPart
from storage.queue.direction import Direction
from storage.retention import finished, rules
from tests.sqlite_raw import raw_writer

ROWS = 100_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST_STEP = 5_000
STEPS_PER_CALL = 2_000
"""Instructions of SQLite's virtual machine: hundreds for look-ups, a million for a scan."""

FILL = f"""
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO inbox (dedupe_key, ordering_key, conversation_id, kind, payload, state, created_at,
                   due_at, expires_at, started_at)
SELECT 'k' || i, CASE WHEN i % 2 THEN 'long' ELSE 'lane' || (i % 1000) END, 'c' || (i % 1000),
       'k', '{{}}', 'pending', i,
       CASE WHEN i < 1001 AND i % 2 = 0 THEN i END, i, CASE WHEN i = 1 THEN 5 END
FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO inbox (dedupe_key, ordering_key, conversation_id, kind, payload, state, created_at,
                   expires_at, finished_at)
SELECT 'd' || i, 'long', 'c' || (i % 1000), 'k', '{{}}',
       CASE WHEN i % 1000 THEN 'done' ELSE 'dead' END, i, i, {10**13} + i FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO messages (bot_id, chat_id, telegram_message_id, conversation_id, direction,
                      external_id, kommo_message_id, at)
SELECT 1, i % 1000, i, 'c' || (i % 1000), 'incoming', 'e' || i, 'm' || i, i FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO deliveries (kommo_message_id, conversation_id, status, sent_at)
SELECT 'm' || i, 'c' || (i % 1000), CASE WHEN i < {ROWS - 2000} THEN 2 ELSE 1 END, i FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS // 10})
INSERT INTO conversations (conversation_id, bot_id, chat_id, name, phone, created_at)
SELECT 'c' || i, 1, i, 'Ann', '+' || i, i FROM n;
INSERT INTO conversation_chats (kommo_chat_id, conversation_id, alias, state, number, known_at)
SELECT 'k' || conversation_id, conversation_id, conversation_id, 'plain', 0, 1 FROM conversations;
"""


async def purge_nothing(tx):
    """Look for what is old in every table."""
    for rule in rules(items_before=LONG_AGO, messages_before=LONG_AGO, buttons_before=LONG_AGO):
        assert await tx.retention.remove(rule, limit=2) == 0


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A database with a great deal in it."""
    path = tmp_path_factory.mktemp("full") / "full.sqlite3"

    async def fill():
        async with Database.open(path) as database:
            await raw_writer(database).call(lambda raw: raw.executescript(FILL))

    asyncio.run(fill())
    return path


@pytest.fixture
def copied(full, path):
    """A copy of it that may be changed."""
    return shutil.copy(full, path)


async def put_behind(tx, item_id):
    """Put an item behind the others of its key."""
    await tx.to_telegram.put_behind(await tx.to_telegram.get(item_id))


CALLS = {
    "add": lambda tx, put, noon: put(tx.to_telegram, "new", lane="long"),
    "add-known": lambda tx, put, noon: put(tx.to_telegram, "k77"),
    "take": lambda tx, put, noon: tx.to_telegram.take(now=noon, limit=5),
    "next": lambda tx, put, noon: tx.to_telegram.next_due_at(),
    "next-after": lambda tx, put, noon: tx.to_telegram.next_due_at(after=noon),
    "lanes": lambda tx, put, noon: tx.to_telegram.due_lanes(now=noon),
    "take-lane": lambda tx, put, noon: tx.to_telegram.take(now=noon, limit=5, lane=""),
    "progress": lambda tx, put, noon: tx.to_telegram.record_progress(1, progress=1),
    "finish": lambda tx, put, noon: tx.to_telegram.finish(1, now=noon),
    "bury": lambda tx, put, noon: tx.to_telegram.bury(1, now=noon, reason="r"),
    "later": lambda tx, put, noon: tx.to_telegram.retry_later(1, due_at=noon, reason="r"),
    "release": lambda tx, put, noon: tx.to_telegram.release(1, due_at=noon),
    "drop": lambda tx, put, noon: tx.to_telegram.drop(500, now=noon),
    "known": lambda tx, put, noon: tx.to_telegram.known(["k77", "d5", "new"]),
    "by-key": lambda tx, put, noon: tx.to_telegram.by_dedupe_key("k77"),
    "behind": lambda tx, put, noon: put_behind(tx, 100),
    "go-on": lambda tx, put, noon: tx.to_telegram.go_on("long", now=noon),
    "attempts": lambda tx, put, noon: tx.attempts.of_item(Direction.OUTGOING, 5),
    "known-external": lambda tx, put, noon: tx.messages.known_external(["e7", "e8"]),
    "known-kommo": lambda tx, put, noon: tx.messages.known_kommo(["m7", "m8"]),
    "reached": lambda tx, put, noon: tx.messages.has_reached_kommo("c7"),
    "get": lambda tx, put, noon: tx.to_telegram.get(5),
    "oldest": lambda tx, put, noon: tx.to_telegram.oldest_pending_at(),
    "list-dead": lambda tx, put, noon: tx.to_telegram.list_items(states=["dead"], limit=5),
    "dead-with": lambda tx, put, noon: tx.to_telegram.dead_with("gave up", limit=5),
    "latest-of": lambda tx, put, noon: tx.to_telegram.latest_of("c7", kinds=["k"], limit=5),
    "purge-none": lambda tx, put, noon: purge_nothing(tx),
    "conversation": lambda tx, put, noon: tx.conversations.get("c7"),
    "kommo-chat": lambda tx, put, noon: tx.conversations.by_kommo_chat("kc7"),
    "phone": lambda tx, put, noon: tx.conversations.by_phone("+7"),
    "msec": lambda tx, put, noon: tx.conversations.next_msec("c7", noon),
    "remember": lambda tx, put, noon: tx.conversations.remember(
        Conversation("c7", 1, 7, "Ann", noon)
    ),
    "add-early": lambda tx, put, noon: put(tx.to_telegram, "new", lane="long", written_at=noon),
    "chat-of": lambda tx, put, noon: tx.conversation_chats.by_kommo_chat("kc7"),
    "chat-alias": lambda tx, put, noon: tx.conversation_chats.by_alias("c7"),
    "chats": lambda tx, put, noon: tx.conversation_chats.of("c7"),
    "chat-started": lambda tx, put, noon: tx.conversation_chats.newest_started("c7"),
    "chats-plain": lambda tx, put, noon: tx.conversation_chats.plain_of(["c7", "c8"]),
    "start-chat": lambda tx, put, noon: tx.conversation_chats.add_started(
        "kc", "c7", None, now=noon
    ),
    "save-chat": lambda tx, put, noon: tx.conversation_chats.save(
        "kc7", "c7", None, alias="c7", now=noon
    ),
    "external": lambda tx, put, noon: tx.messages.by_external_id("e7"),
    "kommo-message": lambda tx, put, noon: tx.messages.by_kommo_message("m7"),
    "message-of": lambda tx, put, noon: tx.messages.conversation_of("m7"),
    "message-of-nobody": lambda tx, put, noon: tx.messages.conversation_of("nobody's"),
    "telegram": lambda tx, put, noon: tx.messages.by_telegram(1, 7, 7),
    "bind-message": lambda tx, put, noon: tx.messages.bind_kommo("e7", "m"),
    "edit": lambda tx, put, noon: tx.messages.change_content("e7", "hash"),
    "incoming": lambda tx, put, noon: tx.messages.remember_incoming(
        ReceivedMessage("e", "c7", 1, 7, 10**6, noon)
    ),
    "outgoing": lambda tx, put, noon: tx.messages.remember_outgoing(
        SentPart("m", "c7", 1, 7, 10**6, noon)
    ),
    "status": lambda tx, put, noon: tx.messages.set_status("m7", 2, now=noon),
    "unread": lambda tx, put, noon: tx.messages.unread_up_to("c7", 7),
}


@pytest.mark.no_cover  # so many rows: other tests show what is covered
@pytest.mark.parametrize("call", CALLS)
async def test_no_question_reads_it_all(copied, put, noon, on_writer, call):
    """What is asked for every message costs the same however much is stored."""
    statements: list[str] = []
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        return 0

    async with Database.open(copied) as database:
        async with database.transaction() as tx:
            await tx.facts.get("nothing")
            await on_writer(database, lambda raw: raw.set_trace_callback(statements.append))
            await on_writer(database, lambda raw: raw.set_progress_handler(step, 1))
            await CALLS[call](tx, put, noon)
            await on_writer(database, lambda raw: raw.set_progress_handler(None, 0))
            await on_writer(database, lambda raw: raw.set_trace_callback(None))
        plans = [
            row[3]
            for statement in statements
            for row in await on_writer(
                database,
                lambda raw, s=statement: raw.execute(f"EXPLAIN QUERY PLAN {s}").fetchall(),
            )
        ]
    assert 0 < steps < STEPS_PER_CALL, plans
    # the lanes found so far are no table, and the ends of a key are a row each
    small = ("CONSTANT", "SCAN lanes", "SCAN one", "SCAN head", "SCAN tail")
    assert not [p for p in plans if p.startswith("SCAN") and not any(s in p for s in small)]


async def test_the_rest_stays_bearable(copied, noon):
    """What a person or a start asks for reads what waits once, never once for each item."""
    steps = 0

    def step():
        nonlocal steps
        steps += 1000
        return 0

    async with Database.open(copied) as database:
        raw = raw_writer(database)
        await raw.call(lambda c: c.set_progress_handler(step, 1000))
        async with database.transaction() as tx:
            counts = await tx.to_telegram.counts()
            assert await tx.to_telegram.recover(now=noon) == 1
            assert await tx.to_telegram.retry(ROWS + 1000, now=noon, expires_at=noon)
            assert len(await tx.to_telegram.list_items(states=["pending", "dead"], limit=5)) == 5
            assert await tx.conversations.forget("c7")
        async with database.transaction() as tx:
            rule = finished(Direction.OUTGOING, noon + timedelta(days=365 * 1000))
            removed = await tx.retention.remove(rule, limit=LARGEST_STEP)
    assert counts == {"pending": ROWS, "done": ROWS - 100, "dead": 100}
    assert removed == LARGEST_STEP
    assert steps < 100 * ROWS
