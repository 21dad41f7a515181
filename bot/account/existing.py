"""The database of a bridge that has run: a question must not make an empty one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.errors import BridgeError
from bot.settings import Settings
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
    if not is_there(settings.database):
        raise NoDatabaseError(
            f"there is no database at {settings.database}: the first `kommo-telegram run` makes "
            "it; if the bridge has run already, check storage.path and --config"
        )
    async with Database.open(settings.database) as database:
        yield database


def is_there(path: Path) -> bool:
    """Tell whether there is a file; SQLite says better what is wrong with one out of reach."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
