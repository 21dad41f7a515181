"""The link to a client's profile picture: asked of Telegram once a day, by the way.

A message never waits long for it, and never fails because of it.
Reference: Bot API, getUserProfilePhotos.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.methods import GetUserProfilePhotos

from bot.links import MediaLinks
from bot.translate.files import TelegramFile, largest
from bot.translate.ids import ChatAddress
from storage.avatars import Avatar
from storage.database import Database

FRESH_FOR = timedelta(days=1)
PAUSE = timedelta(minutes=1)
"""After a failure nobody is asked for so long: a bot that hangs must not slow every message."""

TIMEOUT = aiohttp.ClientTimeout(total=5)

log = logging.getLogger(__name__)


class Avatars:
    """Finds the profile pictures of clients."""

    def __init__(
        self,
        bots: Mapping[int, Bot],
        database: Database,
        links: MediaLinks,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._bots = bots
        self._database = database
        self._links = links
        self._now = now
        self._not_before: dict[int, datetime] = {}

    async def link(self, address: ChatAddress) -> str | None:
        """Return the link to the picture of a client; None when there is none to show."""
        async with self._database.snapshot() as snapshot:
            avatar = await snapshot.avatars.get(address.conversation_id)
        if avatar is None or self._now() - avatar.checked_at > FRESH_FOR:
            avatar = await self._ask(address) or avatar
        if avatar is None or avatar.file_id is None:
            return None
        return self._links.url(address.bot_id, _picture(avatar.file_id, address))

    async def _ask(self, address: ChatAddress) -> Avatar | None:
        """Ask Telegram, and store the answer; None when there is no answer."""
        bot, not_before = self._bots.get(address.bot_id), self._not_before.get(address.bot_id)
        if bot is None or (not_before is not None and self._now() < not_before):
            return None
        question = GetUserProfilePhotos(user_id=address.chat_id, limit=1)
        try:
            found = await bot(question, request_timeout=TIMEOUT)  # type: ignore[arg-type]
        except AiogramError as error:
            self._not_before[address.bot_id] = self._now() + PAUSE
            log.info("no profile picture: %s", type(error).__name__, extra={"bot": bot.id})
            return None
        picture = largest(found.photos[0]) if found.photos and found.photos[0] else None
        avatar = Avatar(
            address.conversation_id,
            picture.file_id if picture else None,
            checked_at=self._now(),
        )
        async with self._database.transaction() as tx:
            if await tx.conversations.get(address.conversation_id):  # not forgotten meanwhile
                await tx.avatars.remember(avatar)
        return avatar


def _picture(file_id: str, address: ChatAddress) -> TelegramFile:
    return TelegramFile(
        file_id, unique_id="", name="avatar.jpg", mime_type="image/jpeg", chat_id=address.chat_id
    )
