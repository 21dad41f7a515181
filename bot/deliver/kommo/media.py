"""Clients' files and pictures, as Kommo can show them."""

from bot.deliver.kommo.avatars import Avatars
from bot.deliver.kommo.sizes import Sizes
from bot.media.links import MediaLinks
from bot.translate.files import BotFile, file_at
from bot.translate.ids import parse_conversation
from bot.translate.incoming.contents import too_big
from kommo.content import Content
from kommo.models import NewMessage
from kommo.people import Person


class Media:
    """Puts into a message what only the moment of its delivery tells."""

    def __init__(self, links: MediaLinks, sizes: Sizes, avatars: Avatars) -> None:
        self._links = links
        self._sizes = sizes
        self._avatars = avatars

    def servable(self, content: Content) -> Content:
        """Put the link to a file into its place; a notice, if Telegram gives it to no bot.

        Raises:
            NotAskedYetError: nobody knows yet whether it is.
        """
        file = self._file(content.media) if content.media else None
        if file is None:
            return content
        if self._sizes.is_too_big(file):
            return too_big(content)
        return content.model_copy(update={"media": self._links.url(file.bot_id, file.file)})

    def _file(self, media: str) -> BotFile | None:
        """Return the file that a payload names, or whose link an earlier version stored.

        Links to files of an export are no bot's, and go as they are.
        """
        return file_at(media) or self._links.file_of(media)

    async def pictured(self, message: NewMessage) -> Person:
        """Return a message's sender; a client with the picture that Telegram shows."""
        address = parse_conversation(message.conversation_id)
        if address is None or message.receiver or message.sender.avatar:
            return message.sender
        avatar = await self._avatars.link(address)
        return message.sender.model_copy(update={"avatar": avatar})
