"""Clients' files and pictures, as Kommo can show them."""

from bot.deliver.kommo.avatars import Avatars
from bot.deliver.kommo.sizes import Sizes
from bot.media.links import MediaLinks
from bot.translate.ids import parse_conversation
from bot.translate.incoming.contents import too_big
from kommo.models import Content, NewMessage, Person


class Media:
    """Puts into a message what only the moment of its delivery tells."""

    def __init__(self, links: MediaLinks, sizes: Sizes, avatars: Avatars) -> None:
        self._links = links
        self._sizes = sizes
        self._avatars = avatars

    def servable(self, content: Content) -> Content:
        """Put a notice in the place of a file that Telegram gives to no bot.

        Raises:
            NotAskedYetError: nobody knows yet whether it is.
        """
        link = self._links.read_url(content.media) if content.media else None
        if link is None or link.is_export:
            return content
        is_too_big = self._sizes.is_too_big(link)
        return too_big(content) if is_too_big else content

    async def pictured(self, message: NewMessage) -> Person:
        """Return a message's sender; a client with the picture that Telegram shows."""
        address = parse_conversation(message.conversation_id)
        if address is None or message.receiver or message.sender.avatar:
            return message.sender
        avatar = await self._avatars.link(address)
        return message.sender.model_copy(update={"avatar": avatar})
