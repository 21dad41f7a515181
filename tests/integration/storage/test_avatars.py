"""Which picture a client has is asked once a day, not with every message."""

from datetime import timedelta

from storage.avatars import Avatar
from storage.conversations import Conversation

CONVERSATION = "tg:700001:555"


async def test_the_latest_answer_counts(database, noon):
    """A new picture takes the place of the old one, and so does none at all."""
    first = Avatar(CONVERSATION, "FILE1", noon)
    later = Avatar(CONVERSATION, None, noon + timedelta(days=1))
    async with database.transaction() as tx:
        assert await tx.avatars.get(CONVERSATION) is None
        await tx.avatars.remember(first)
    async with database.snapshot() as snapshot:
        assert await snapshot.avatars.get(CONVERSATION) == first
    async with database.transaction() as tx:
        await tx.avatars.remember(later)
        assert await tx.avatars.get(CONVERSATION) == later


async def test_forgetting_a_client_forgets_the_picture(database, noon):
    """What is known of a client's picture goes with the conversation."""
    conversation = Conversation(
        conversation_id=CONVERSATION, bot_id=700001, chat_id=555, name="Zoë", created_at=noon
    )
    async with database.transaction() as tx:
        await tx.conversations.remember(conversation)
        await tx.avatars.remember(Avatar(CONVERSATION, "FILE1", noon))
    async with database.transaction() as tx:
        assert await tx.conversations.forget(CONVERSATION)
        assert await tx.avatars.get(CONVERSATION) is None
