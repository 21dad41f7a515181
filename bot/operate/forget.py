"""Erasing what is kept of clients, while the service runs or not."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.media.links import MediaLinks
from bot.settings import Settings
from storage.database import Database, Transaction
from storage.kept import Whose
from storage.patience import persist

PATIENCE_S = 5.0
"""Seconds that a person waits for the database before reading that nothing was erased."""


def media_links(settings: Settings, *, now: Callable[[], datetime]) -> MediaLinks:
    """Return what signs media links.

    They live so long as those of earlier versions, which were made before the message was
    delivered: who is forgotten takes all of them along.
    """
    return MediaLinks(
        settings.public_url,
        settings.kommo.channel_secret.get_secret_value(),
        lifetime=timedelta(days=settings.delivery.media_link_days)
        + settings.delivery.lifetimes.to_kommo,
        now=now,
    )


async def erase(database: Database, found: Sequence[Whose], links: MediaLinks) -> None:
    """Erase conversations with all that is kept of them; the links to their files die at once.

    A block stays, without its reason: who was stopped does not write again by being forgotten.
    """

    async def all_of_it(tx: Transaction) -> None:
        for one in found:
            tag = links.tag(one.bot_id, one.chat_id)
            await tx.forgotten.remember(tag, links_end_at=links.end())
            await tx.conversations.forget(
                one.conversation_id, bot_id=one.bot_id, chat_id=one.chat_id
            )

    await persist(database, all_of_it, within_s=PATIENCE_S)
    await database.compact()
