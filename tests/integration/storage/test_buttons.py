"""Inline buttons stay known, so that a press weeks later says what it should."""

import pytest

from storage.buttons import Button
from storage.conversations import Conversation
from storage.database import Database

CONVERSATION = "tg:700001:555"


@pytest.fixture
def buttons(noon):
    """Two buttons of one message: a plain one, and a row of a list message."""
    return [
        Button("aa", CONVERSATION, "Confirm", noon),
        Button("bb", CONVERSATION, "Express", noon, callback_data="row-1"),
    ]


async def test_a_button_is_known_after_a_restart(path, buttons):
    """A press finds its button by the short id, in another life of the process too."""
    async with Database.open(path) as database, database.transaction() as tx:
        await tx.buttons.remember(buttons)
    async with Database.open(path) as database, database.snapshot() as snapshot:
        assert [await snapshot.buttons.get("aa"), await snapshot.buttons.get("bb")] == buttons
        assert await snapshot.buttons.get("cc") is None


async def test_a_button_sent_twice_is_one(database, buttons, noon):
    """A message that is tried again stores its buttons once, as they were."""
    again = Button("aa", CONVERSATION, "Something else", noon)
    async with database.transaction() as tx:
        await tx.buttons.remember(buttons)
    async with database.transaction() as tx:
        await tx.buttons.remember([again])
        assert await tx.buttons.get("aa") == buttons[0]


async def test_a_message_without_buttons_stores_none(database):
    """No buttons are nothing to store."""
    async with database.transaction() as tx:
        await tx.buttons.remember([])
        assert await tx.buttons.get("aa") is None


async def test_forgetting_a_client_forgets_the_buttons(database, buttons, noon):
    """What a client was offered goes with the conversation."""
    conversation = Conversation(
        conversation_id=CONVERSATION, bot_id=700001, chat_id=555, name="Zoë", created_at=noon
    )
    async with database.transaction() as tx:
        await tx.conversations.remember(conversation)
        await tx.buttons.remember(buttons)
    async with database.transaction() as tx:
        assert await tx.conversations.forget(CONVERSATION)
        assert await tx.buttons.get("aa") is None
