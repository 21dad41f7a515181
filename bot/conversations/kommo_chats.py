"""Kommo's ids of a conversation, found out in one place.

What only reads never makes a chat: create chat is asked for the id of a conversation that has
reached Kommo, or where a message is about to be sent.
Reference: Kommo, Create chat (an existing conversation is returned, not made again).
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from bot.translate.ids import participant_id
from kommo.answers import CreatedChat
from kommo.ids import ConversationId, KommoChatId, SourceId
from kommo.models import NewChat
from kommo.people import Person, Profile
from storage.conversations import Conversation
from storage.database import Database, Transaction
from storage.patience import persist

CreateChat = Callable[[NewChat], Awaitable[CreatedChat]]
"""Returns Kommo's id of a conversation, which it makes if it does not have it."""


class KommoChats:
    """Finds out by which ids Kommo knows a conversation."""

    def __init__(
        self, database: Database, create_chat: CreateChat, *, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._create_chat = create_chat
        self._now = now

    async def every_of(self, conversation: Conversation) -> Sequence[KommoChatId]:
        """Return every chat that leads to a conversation; none if nothing reached Kommo."""
        await self.id_of(conversation)
        async with self._database.snapshot() as snapshot:
            chats = await snapshot.conversation_chats.of(conversation.conversation_id)
        return [KommoChatId(chat.kommo_chat_id) for chat in chats]

    async def id_of(self, conversation: Conversation) -> KommoChatId | None:
        """Return the plain chat of a conversation; None if nothing of it has reached Kommo."""
        conversation_id = conversation.conversation_id
        async with self._database.snapshot() as snapshot:
            known = await snapshot.conversation_chats.by_alias(conversation_id)
            if known is not None:
                return KommoChatId(known.kommo_chat_id)
            if not await snapshot.messages.has_reached_kommo(conversation_id):
                return None
        return await self._create(conversation)

    async def made_for(self, conversation: Conversation) -> KommoChatId:
        """Return the plain chat of a conversation that is about to be written in."""
        async with self._database.snapshot() as snapshot:
            known = await snapshot.conversation_chats.by_alias(conversation.conversation_id)
        return KommoChatId(known.kommo_chat_id) if known else await self._create(conversation)

    async def answering(self, conversation: Conversation) -> KommoChatId:
        """Return the chat that the client's messages go to: the newest one that is bound."""
        async with self._database.snapshot() as snapshot:
            newest = await snapshot.conversation_chats.newest_started(conversation.conversation_id)
        if newest is not None and newest.state == "bound":
            return KommoChatId(newest.kommo_chat_id)
        return await self.made_for(conversation)

    async def _create(self, conversation: Conversation) -> KommoChatId:
        """Ask Kommo, and store the answer before it is used."""
        created = await self._create_chat(new_chat(conversation))
        conversation_id = conversation.conversation_id

        async def store(tx: Transaction) -> None:
            if await tx.conversations.get(conversation_id) is None:
                return  # forgotten while Kommo was asked
            await tx.conversation_chats.save(
                created.kommo_chat_id,
                conversation_id,
                created.user_id,
                alias=conversation_id,
                now=self._now(),
            )

        await persist(self._database, store)
        return created.kommo_chat_id


def new_chat(conversation: Conversation) -> NewChat:
    """Return what create chat is told of a conversation: all that is known of the client."""
    username = conversation.username
    return NewChat(
        conversation_id=ConversationId(conversation.conversation_id),
        source_id=SourceId(conversation.source_id) if conversation.source_id else None,
        user=Person(
            id=participant_id(conversation.chat_id),
            name=conversation.name,
            profile=Profile(phone=conversation.phone) if conversation.phone else None,
            profile_link=f"https://t.me/{username}" if username else None,
        ),
    )
