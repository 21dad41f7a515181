"""Invitations, and what is known of a person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.conversations import Conversation
from storage.invitations import Invitation
from storage.queue.producer import Draft
from storage.retention import rules

DAY = timedelta(days=1)


@pytest.fixture
async def tx(database):
    """A transaction."""
    async with database.transaction() as transaction:
        yield transaction


@pytest.fixture
def ann(noon):
    """Ann's conversation with the bot 1."""
    return Conversation("tg:1:7", bot_id=1, chat_id=7, name="Ann", created_at=noon)


@pytest.fixture
def link(noon):
    """An invitation for one person, good for a day."""
    return Invitation("inv_one", 9030001, True, noon, noon + DAY)


async def test_an_invitation_is_for_one_person_until_it_expires(tx, noon, link):
    """Its opener may open it again; nobody else, and not after its day."""
    await tx.invitations.remember(link)
    assert await tx.invitations.open("inv_one", "tg:1:7", now=noon) == 9030001
    assert await tx.invitations.open("inv_one", "tg:1:8", now=noon) is None
    assert await tx.invitations.open("inv_one", "tg:1:7", now=noon) == 9030001
    assert await tx.invitations.open("inv_one", "tg:1:7", now=noon + DAY) is None
    assert await tx.invitations.open("inv_other", "tg:1:7", now=noon) is None


async def test_an_invitation_for_many_ties_everybody(tx, noon, link):
    """Each opener is that contact."""
    await tx.invitations.remember(replace(link, is_single=False))
    opened = [await tx.invitations.open("inv_one", f"tg:1:{chat}", now=noon) for chat in (7, 8)]
    assert opened == [9030001, 9030001]


async def test_what_expired_is_removed_with_its_openers(tx, noon, link):
    """A purge leaves what is still good."""
    await tx.invitations.remember(link)
    await tx.invitations.remember(replace(link, payload="inv_two", expires_at=noon + 3 * DAY))
    await tx.invitations.open("inv_one", "tg:1:7", now=noon)
    moment = noon + 2 * DAY
    for rule in rules(items_before=moment, messages_before=moment, buttons_before=moment):
        await tx.retention.remove(rule, limit=10)
    assert await tx.invitations.open("inv_one", "tg:1:7", now=noon) is None
    assert await tx.invitations.open("inv_two", "tg:1:7", now=noon) == 9030001


async def test_a_number_is_known_to_all_bots_and_found_by_its_end(tx, noon, ann):
    """What a person told one bot is known of the person."""
    await tx.conversations.remember(replace(ann, phone="+14155550123"))
    assert await tx.conversations.phone_of_person(ann.chat_id) == "+14155550123"
    assert await tx.conversations.phone_of_person(ann.chat_id + 1) is None
    [found] = await tx.conversations.by_end_of_phone("5550123")
    assert found.conversation_id == ann.conversation_id
    assert await tx.conversations.by_end_of_phone("5550124") == []


async def test_an_item_that_waits_for_its_time_can_be_hastened(tx, noon):
    """It holds those behind it until its time, or until it is hastened."""
    a, b = [Draft(key, ordering_key="lane", kind="k", payload="{}") for key in ("a", "b")]
    await tx.to_kommo.add(a, now=noon, expires_at=noon + DAY, not_before=noon + DAY)
    await tx.to_kommo.add(b, now=noon, expires_at=noon + DAY)
    assert await tx.to_kommo.take(now=noon, limit=9) == []
    await tx.to_kommo.hasten("b", now=noon)
    assert await tx.to_kommo.take(now=noon, limit=9) == []
    await tx.to_kommo.hasten("a", now=noon)
    assert [item.dedupe_key for item in await tx.to_kommo.take(now=noon, limit=9)] == ["a"]
