"""`backup FILE`: a consistent copy of the database while the service runs."""

import asyncio
from pathlib import Path

from bot.cli.terminal import say
from bot.errors import BridgeError
from bot.settings import Settings
from storage.database import Database


class NoDatabaseError(BridgeError):
    """There is nothing to copy."""


def backup(settings: Settings, target: Path) -> None:
    """Write a copy, read it once from end to end, and say how large it is."""
    if not settings.database.exists():
        raise NoDatabaseError(
            f"there is no database at {settings.database}: check storage.path, or start the "
            "service once"
        )
    asyncio.run(_copy(settings.database, target))
    size_kib = -(-target.stat().st_size // 1024)
    say(f"{target}: {size_kib} KiB, verified")


async def _copy(source: Path, target: Path) -> None:
    async with Database.open(source) as database:
        await database.backup(target)
