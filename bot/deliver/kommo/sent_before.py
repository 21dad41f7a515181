"""Find out from a chat's history whether an earlier attempt had arrived after all.

Kommo refuses a message id that it knows; whether it was known is told by nothing else.
"""

from bot.conversations.kommo_chats import KommoChats
from kommo.chats import ChatsApi
from kommo.ids import KommoChatId, KommoMessageId
from kommo.models import NewMessage
from storage.database import Database

HISTORY_PAGE, HISTORY_PAGES = 50, 4
"""How far back a message is looked for; a retry is rarely older than the newest 200."""


class SentBefore:
    """Looks for messages that Kommo has. Raises what the Chats API does."""

    def __init__(self, chats: ChatsApi, database: Database, kommo_chats: KommoChats) -> None:
        self._chats = chats
        self._database = database
        self._kommo_chats = kommo_chats

    async def find(self, message: NewMessage) -> KommoMessageId | None:
        """Return Kommo's id of a message that it has; None if it does not."""
        async with self._database.snapshot() as snapshot:
            conversation = await snapshot.conversations.get(message.conversation_id)
        if conversation is None:
            return None
        return await self.in_chat(await self._kommo_chats.answering(conversation), message)

    async def in_chat(self, chat_id: KommoChatId, message: NewMessage) -> KommoMessageId | None:
        """Return Kommo's id of a message that a chat has."""
        for page in range(HISTORY_PAGES):
            rows = await self._chats.history(
                chat_id, offset=page * HISTORY_PAGE, limit=HISTORY_PAGE
            )
            for row in rows:
                if row.external_id == message.external_id:
                    return row.kommo_message_id
            if not rows.told:
                return None
        return None
