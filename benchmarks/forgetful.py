"""The bridge's own webhook handler behind its own listener, storing nothing."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from bot.http.listeners import Address, listen, public_application
from bot.queue.items import Lifetimes
from bot.receive.kommo_webhook import PATH, Webhooks
from kommo.events import Event
from kommo.ids import ScopeId
from storage.database import Database


class Forgetful(Webhooks):
    """Verifies and parses a webhook, and forgets it."""

    async def keep(self, event: Event, body: str) -> None:
        """Keep nothing."""


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def main(port: str, scope: str, secret: str, folder: str) -> None:
    """Run until a signal."""
    async with Database.open(Path(folder) / "unused.sqlite3") as database:
        hooks = Forgetful(
            database,
            scope_id=ScopeId(scope),
            secret=secret,
            lifetimes=Lifetimes(timedelta(hours=72), timedelta(hours=1)),
            on_typing=lambda _address, _until: None,
            hold_until=lambda _conversation_id: None,
            on_missed=lambda _conversation_id: None,
        )
        application = public_application(
            webhooks=hooks.handle,
            webhooks_path=PATH,
            media=_health,
            media_path="/media/{name}",
        )
        async with listen(application, Address("127.0.0.1", int(port))):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
