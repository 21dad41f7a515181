"""Conversations: what is known of each client, and that it is not forgotten by accident."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.conversations import Conversation

SECOND = timedelta(seconds=1)


@pytest.fixture
def ann(noon):
    """A client."""
    return Conversation(
        conversation_id="tg:1:7",
        bot_id=1,
        chat_id=7,
        name="Ann",
        created_at=noon,
        username="ann",
        source_id="sales",
        last_incoming_at=noon,
    )


@pytest.fixture
async def tx(database):
    """One long transaction."""
    async with database.transaction() as opened:
        yield opened


@pytest.fixture
def conversations(tx):
    """The conversations in it."""
    return tx.conversations


async def test_a_conversation_comes_back_as_it_was_stored(conversations, ann):
    """Everything that is known is found by each of its names."""
    full = replace(ann, phone="+1", business_user_id=3)
    await conversations.remember(full)
    assert await conversations.get("tg:1:7") == full
    assert await conversations.by_phone("+1") == [full]
    assert await conversations.list_all(limit=5) == [full]


async def test_the_unknown_is_none(conversations, ann):
    """What is not known is not made up."""
    await conversations.remember(ann)
    assert await conversations.get("tg:1:8") is None
    assert await conversations.by_kommo_chat("k") is None
    assert await conversations.by_phone("+1") == []


async def test_what_is_known_stays_known(conversations, ann, noon):
    """An update tells the new name, and wipes out nothing that it does not know."""
    await conversations.remember(replace(ann, phone="+1"))
    await conversations.remember(
        replace(ann, name="Anna", username=None, source_id=None, created_at=noon + SECOND)
    )
    assert await conversations.get("tg:1:7") == replace(
        ann, name="Anna", username=None, phone="+1"
    )


@pytest.mark.parametrize(
    ("later_s", "expected_s"), [(5, 5), (-5, 0), (None, 0)], ids=["newer", "older", "unknown"]
)
async def test_the_last_message_is_the_last(conversations, ann, noon, later_s, expected_s):
    """An old message that is told late does not turn the clock back."""
    await conversations.remember(ann)
    at = None if later_s is None else noon + later_s * SECOND
    await conversations.remember(replace(ann, last_incoming_at=at))
    stored = await conversations.get("tg:1:7")
    assert stored.last_incoming_at == noon + expected_s * SECOND


async def test_a_client_who_writes_is_reachable_again(conversations, ann):
    """Whoever blocked the bot and comes back can be answered."""
    await conversations.remember(ann)
    await conversations.set_reachable("tg:1:7", is_reachable=False)
    assert not (await conversations.get("tg:1:7")).is_reachable
    await conversations.remember(ann)
    assert (await conversations.get("tg:1:7")).is_reachable


async def test_milliseconds_rise(conversations, ann, noon):
    """Two messages of one conversation never have the same moment, and keep their order."""
    await conversations.remember(ann)
    given = [noon, noon, noon - SECOND, noon + SECOND, noon + SECOND]
    ms = timedelta(milliseconds=1)
    moments = [await conversations.next_msec("tg:1:7", at) for at in given]
    assert moments == [
        noon, noon + ms, noon + 2 * ms, noon + SECOND, noon + SECOND + ms,
    ]  # fmt: skip
    assert await conversations.next_msec("unknown", noon) == noon


async def test_conversations_are_listed_in_pages(conversations, ann, noon):
    """Every conversation is on one page, the oldest first."""
    for number in (3, 1, 2):
        await conversations.remember(
            replace(
                ann,
                conversation_id=f"tg:1:{number}",
                chat_id=number,
                created_at=noon + number * SECOND,
            )
        )
    pages = [await conversations.list_all(limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[c.chat_id for c in page] for page in pages] == [[1, 2], [3], []]


async def test_forgetting_leaves_nothing_of_one_and_all_of_others(tx, ann, put, on_writer, noon):
    """What is kept of one client is erased everywhere, and nobody else's."""
    for number in (7, 8):
        conversation_id = f"tg:1:{number}"
        await tx.conversations.remember(
            replace(ann, conversation_id=conversation_id, chat_id=number)
        )
        await put(tx.to_telegram, f"in{number}", lane=conversation_id)
        await put(tx.to_kommo, f"out{number}", lane=conversation_id)
        await tx.messages.set_status(f"m{number}", 1, now=noon, conversation_id=conversation_id)
    assert await tx.conversations.forget("tg:1:7")
    assert not await tx.conversations.forget("tg:1:7")
    assert [c.chat_id for c in await tx.conversations.list_all(limit=9)] == [8]
    left = [
        await queue.list_items(states=["pending"], limit=9)
        for queue in (tx.to_telegram, tx.to_kommo)
    ]
    assert [[item.dedupe_key for item in items] for items in left] == [["in8"], ["out8"]]
    assert [await tx.messages.status_of(key) for key in ("m7", "m8")] == [None, 1]


async def test_notes_are_kept_replaced_and_removed(tx):
    """A note says what was said last, until it is removed."""
    assert await tx.facts.get("key") is None
    await tx.facts.put("key", "one")
    await tx.facts.put("key", "two")
    assert await tx.facts.get("key") == "two"
    await tx.facts.delete("key")
    assert await tx.facts.get("key") is None
