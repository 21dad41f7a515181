"""Reject media links of clients who were erased."""

from bot.media.links import LinkError, MediaLink, MediaLinks
from bot.translate.ids import ChatAddress
from storage.database import Database


class ForgottenFiles:
    """Knows the links that died with their chat."""

    def __init__(self, database: Database, links: MediaLinks) -> None:
        self._database = database
        self._links = links

    async def refuse(self, link: MediaLink) -> None:
        """Refuse a link that died with its chat.

        Links of one day share their end; of that day, those are good that a client who came back
        has made anew.

        Raises:
            LinkError: it is dead.
        """
        if link.chat_id is None:
            return
        async with self._database.snapshot() as snapshot:
            tag = self._links.tag(link.bot_id, link.chat_id)
            ended_at = await snapshot.forgotten.links_end_at(tag)
            if ended_at is None or link.expires_at > ended_at:
                return
            conversation_id = ChatAddress(link.bot_id, link.chat_id).conversation_id
            if link.is_export and await snapshot.imports.has_any(conversation_id):
                return
            avatar = await snapshot.avatars.get(conversation_id)
            if avatar is not None and avatar.file_id == link.file_id:
                return
            for name in await snapshot.conversations.of_chat(link.bot_id, link.chat_id):
                for told in (link.file_id, link.body):  # earlier versions stored links, not files
                    if await snapshot.to_kommo.mentions(name, told):
                        return
            raise LinkError("the client was forgotten")
