"""The database of a bridge that has run: a question must not make an empty one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.errors import BridgeError
from bot.settings import Settings
from bot.settings.location import is_there
from storage.database import Database


class NoDatabaseError(BridgeError):
    """There is no database yet."""


@asynccontextmanager
async def open_existing(settings: Settings) -> AsyncIterator[Database]:
    """Open the settings' database.

    Raises:
        NoDatabaseError: there is none.
        DatabaseUnavailableError: it cannot be opened.
    """
    if not has_database(settings):
        raise NoDatabaseError(
            f"there is no database at {settings.database}: the first `kommo-telegram run` makes "
            "it; if the bridge has run already, check storage.path and --config"
        )
    async with Database.open(settings.location) as database:
        yield database


def has_database(settings: Settings) -> bool:
    """Tell whether the bridge has run."""
    return is_there(settings.database)
