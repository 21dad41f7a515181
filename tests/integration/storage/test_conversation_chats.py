"""Kommo's chats of a conversation: the plain one, and each that a manager started."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.conversation_chats import ConversationChat
from storage.conversations import Conversation
from storage.sqlite.connection import connect
from storage.sqlite.schema import migrate, migrations

ANN = "tg:1:7"
SECOND = timedelta(seconds=1)


@pytest.fixture
async def tx(database):
    """A transaction."""
    async with database.transaction() as transaction:
        yield transaction


@pytest.fixture
def chats(tx):
    """The chats in it."""
    return tx.conversation_chats


async def test_started_chats_are_counted_and_the_newest_answers(chats, noon):
    """The same chat twice is one; one that Kommo refused answers no more."""
    await chats.save("kommo-plain", ANN, "person", alias=ANN, now=noon)
    for chat in ("kommo-a", "kommo-a", "kommo-b"):
        await chats.add_started(chat, ANN, "person", now=noon)
    newest = ConversationChat("kommo-b", ANN, "person", None, "open", 2)
    assert await chats.newest_started(ANN) == newest
    await chats.set_state("kommo-b", "refused", None)
    older = await chats.newest_started(ANN)
    assert older == await chats.by_kommo_chat("kommo-a")
    assert (older.number, older.state) == (1, "open")
    assert await chats.newest_started("tg:1:8") is None
    assert [chat.kommo_chat_id for chat in await chats.of(ANN)] == [
        "kommo-b",
        "kommo-a",
        "kommo-plain",
    ]


async def test_a_plain_chat_stays_plain_beside_a_started_one(chats, noon):
    """Whichever webhook came last, each id leads to its chat."""
    await chats.save("plain", ANN, "u", alias=ANN, now=noon)
    await chats.save("started", ANN, None, alias=f"{ANN}~1", number=1, now=noon + SECOND)
    await chats.save("plain", ANN, None, alias=ANN, now=noon + 2 * SECOND)
    assert await chats.by_alias(ANN) == ConversationChat("plain", ANN, "u", ANN, "plain", 0)
    assert (await chats.by_alias(f"{ANN}~1")).kommo_chat_id == "started"
    assert await chats.plain_of([ANN, "tg:1:8"]) == {ANN: "plain"}


@pytest.mark.parametrize("state", ["open", "refused"])
async def test_what_kommo_knows_by_an_id_of_ours_is_bound(chats, noon, state):
    """Whether or not its answer to the binding was lost; its number stays."""
    await chats.add_started("a", ANN, "u", now=noon)
    await chats.add_started("b", ANN, "u", now=noon)
    await chats.set_state("b", state, None)
    await chats.save("b", ANN, None, alias=ANN, now=noon)
    assert await chats.by_kommo_chat("b") == ConversationChat("b", ANN, "u", ANN, "bound", 2)


async def test_a_chat_leads_to_its_conversation_until_it_is_forgotten(tx, noon):
    """By any of its chats; afterwards by none."""
    ann = Conversation(ANN, bot_id=1, chat_id=7, name="Ann", created_at=noon)
    bob = replace(ann, conversation_id="tg:1:8", chat_id=8)
    for one in (ann, bob):
        await tx.conversations.remember(one)
        await tx.conversation_chats.save(
            f"plain {one.chat_id}", one.conversation_id, None, alias=one.conversation_id, now=noon
        )
    await tx.conversation_chats.add_started("started", ANN, "u", now=noon)
    for chat in ("plain 7", "started"):
        assert await tx.conversations.by_kommo_chat(chat) == ann
    await tx.conversations.forget(ANN)
    for chat in ("plain 7", "started"):
        assert await tx.conversations.by_kommo_chat(chat) is None
        assert await tx.conversation_chats.by_kommo_chat(chat) is None
    assert await tx.conversations.by_kommo_chat("plain 8") == bob


async def test_an_older_database_brings_its_chats_along(path):
    """Plain and started ones; what waits in a started one stands in its conversation's order."""
    before = [one for one in migrations() if one.number < 21]
    async with connect(path) as connection:
        await migrate(connection, before)
        await connection.script(
            """
            INSERT INTO conversations (conversation_id, bot_id, chat_id, kommo_chat_id,
                kommo_user_id, name, created_at)
            VALUES ('tg:1:7', 1, 7, 'ka', 'u7', 'Ann', 5), ('tg:1:8', 1, 8, 'kb~', 'u8', 'Bob', 5),
                ('tg:1:9', 1, 9, NULL, NULL, 'Cy', 5);
            INSERT INTO openings VALUES ('kb~', 'tg:1:8', 'u8', 1, 'tg:1:8~1', 'bound', 6),
                ('ka~', 'tg:1:7', 'u7', 1, NULL, 'open', 7);
            INSERT INTO inbox (dedupe_key, ordering_key, conversation_id, kind, payload, state,
                created_at, expires_at)
            VALUES ('one', 'tg:1:7', 'tg:1:7', 'k', '{}', 'pending', 1, 9),
                ('two', 'opening:ka~', NULL, 'k', '{}', 'pending', 2, 9),
                ('three', 'opening:kc', NULL, 'k', '{}', 'pending', 3, 9);
            """
        )
        await migrate(connection)
        chats = await connection.rows(
            "SELECT kommo_chat_id, conversation_id, alias, state, number FROM conversation_chats "
            "ORDER BY kommo_chat_id"
        )
        items = await connection.rows("SELECT ordering_key, conversation_id FROM inbox")
    assert [tuple(row) for row in chats] == [
        ("ka", "tg:1:7", "tg:1:7", "plain", 0),
        ("ka~", "tg:1:7", None, "open", 1),
        ("kb~", "tg:1:8", "tg:1:8~1", "bound", 1),
    ]
    assert [tuple(row) for row in items] == [
        ("tg:1:7", "tg:1:7"),
        ("tg:1:7", "tg:1:7"),
        ("started:kc", None),
    ]
