"""What is stored of business accounts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.business import BusinessChat, BusinessConnection

DAY = datetime(2026, 1, 2, tzinfo=UTC)
FIRST = BusinessConnection("c1", 700001, 900, "Olga", connected_at=DAY, known_at=DAY)
CHAT = BusinessChat("tg:700001.900:555", 700001, 900, 555)


@pytest.mark.parametrize(
    ("stored", "current"),
    [
        pytest.param([], None, id="none"),
        pytest.param([FIRST], "c1", id="the only one"),
        pytest.param(
            [FIRST, replace(FIRST, connection_id="c2", connected_at=DAY + timedelta(hours=1))],
            "c2",
            id="the newer one",
        ),
        pytest.param(
            [
                FIRST,
                replace(
                    FIRST,
                    connection_id="c2",
                    connected_at=DAY + timedelta(hours=1),
                    is_enabled=False,
                ),
            ],
            "c1",
            id="the one that is not over",
        ),
        pytest.param([replace(FIRST, is_enabled=False)], "c1", id="over, for want of another"),
        pytest.param([replace(FIRST, business_user_id=901)], None, id="another account's"),
        pytest.param([replace(FIRST, bot_id=700002)], None, id="another bot's"),
    ],
)
async def test_an_account_has_one_connection_that_counts(database, stored, current):
    """It is the newest that the owner has not ended."""
    async with database.transaction() as tx:
        for connection in stored:
            await tx.business.save(connection)
        found = await tx.business.current(700001, 900)
    assert (found and found.connection_id) == current


async def test_a_connection_is_as_it_was_told_last(database):
    """Rights change, and a connection ends."""
    changed = replace(FIRST, can_reply=True, can_read=True, name="Olga K.")
    async with database.transaction() as tx:
        await tx.business.save(FIRST)
        await tx.business.save(changed)
        assert await tx.business.get("c1") == changed
        await tx.business.end("c1", now=DAY + timedelta(hours=1))
        [ended] = await tx.business.accounts()
    assert (ended.is_enabled, ended.can_be_used) == (False, False)


async def test_deletions_are_kept_of_each_chat_and_forgotten_with_it(database):
    """The same number in another chat is another message."""
    other = replace(CHAT, conversation_id="tg:700001.900:556", chat_id=556)
    async with database.transaction() as tx:
        await tx.business.add_deleted(CHAT, [1, 2, 2], now=DAY)
        await tx.business.add_deleted(other, [3], now=DAY)
        assert await tx.business.deleted(CHAT, [1, 2, 3]) == {1, 2}
        await tx.conversations.forget(CHAT.conversation_id, bot_id=700001, chat_id=555)
        assert await tx.business.deleted(CHAT, [1, 2, 3]) == set()
        assert await tx.business.deleted(other, [3]) == {3}
