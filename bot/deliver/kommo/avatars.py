"""The link to a client's profile picture: asked of Telegram once a day, beside the messages.

A message never waits for it: it goes with what is known, and the next one with what was told.
Reference: Bot API, getUserProfilePhotos.
"""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import aiohttp
from aiogram import Bot
from aiogram.methods import GetUserProfilePhotos

from bot.background import Background
from bot.media.links import MediaLinks
from bot.translate.files import TelegramFile, largest
from bot.translate.ids import ChatAddress
from storage.avatars import Avatar
from storage.database import Database, Transaction
from storage.patience import persist

FRESH_FOR = timedelta(days=1)
PAUSE_S = 60.0
"""How long to ask nobody after a failure: a bot that hangs has other things to do."""

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
        background: Background,
    ) -> None:
        self._background = background
        self._bots = bots
        self._database = database
        self._links = links
        self._not_before: dict[int, float] = {}

    async def link(self, address: ChatAddress) -> str | None:
        """Return the link to a client's picture, as far as it is known; None for none."""
        async with self._database.snapshot() as snapshot:
            avatar = await snapshot.avatars.get(address.conversation_id)
        if avatar is None or abs(self._database.now() - avatar.checked_at) > FRESH_FOR:
            self._background.start(
                f"picture {address.conversation_id}", partial(self._ask, address)
            )
        if avatar is None or avatar.file_id is None:
            return None
        return self._links.url(address.bot_id, _picture(avatar.file_id, address))

    async def _ask(self, address: ChatAddress) -> None:
        """Ask Telegram, and store the answer, if there is one."""
        bot, not_before = self._bots.get(address.bot_id), self._not_before.get(address.bot_id, 0.0)
        if bot is None or time.monotonic() < not_before:
            return
        question = GetUserProfilePhotos(user_id=address.chat_id, limit=1)
        try:
            found = await bot(question, request_timeout=TIMEOUT)  # type: ignore[arg-type]
        except Exception as error:
            self._not_before[address.bot_id] = time.monotonic() + PAUSE_S
            log.info("no profile picture: %s", type(error).__name__, extra={"bot": bot.id})
            return
        picture = largest(found.photos[0]) if found.photos and found.photos[0] else None
        avatar = Avatar(
            address.conversation_id,
            picture.file_id if picture else None,
            checked_at=self._database.now(),
        )
        await persist(self._database, partial(_remember, avatar=avatar))


async def _remember(tx: Transaction, avatar: Avatar) -> None:
    if await tx.conversations.get(avatar.conversation_id):  # not forgotten meanwhile
        await tx.avatars.remember(avatar)


def _picture(file_id: str, address: ChatAddress) -> TelegramFile:
    return TelegramFile(
        file_id, unique_id="", name="avatar.jpg", mime_type="image/jpeg", chat_id=address.chat_id
    )
