"""The bridge's own webhook handler behind its own listener, storing nothing."""

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from bot.http.listeners import Address, listen, public_application
from bot.queue.items import Lifetimes
from bot.receive.kommo_events import Events
from bot.receive.kommo_webhook import PATH, Webhooks
from kommo.events import Event
from kommo.ids import ScopeId
from storage.database import Database


class Forgetful(Webhooks):
    """Verifies and parses a webhook, and forgets it."""

    async def keep(self, event: Event, body: str) -> None:
        """Keep nothing."""


class NothingMissed:
    """Recovers nothing."""

    def hold_until(self, conversation_id: str | None) -> datetime | None:
        """Hold nothing."""

    def note_activity(self, conversation_id: str) -> None:
        """Note nothing."""

    def note_missed(self, conversation_id: str | None) -> None:
        """Note nothing."""


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def main(port: str, scope: str, secret: str, folder: str) -> None:
    """Run until a signal."""
    async with Database.open(Path(folder) / "unused.sqlite3") as database:
        lifetimes = Lifetimes(timedelta(hours=72), timedelta(hours=1))
        catch_up = NothingMissed()
        webhooks = Forgetful(
            database,
            Events(lifetimes, lambda _address, _until: None, catch_up),
            catch_up,
            scope_id=ScopeId(scope),
            secret=secret,
        )
        application = public_application(
            webhooks=webhooks.handle,
            webhooks_path=PATH,
            media=_health,
            media_path="/media/{name}",
        )
        async with listen(application, Address("127.0.0.1", int(port))):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
