"""Files that the page shows: Telegram's own, and what Kommo fetched when a message arrived."""

import asyncio
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import aiohttp
from aiohttp import web

from sandbox.kommo.results import KommoResults

TRIES: Final = 120
PAUSE_S: Final = 1.0
SHOWN: Final = ("image/", "audio/", "video/")


@dataclass(frozen=True)
class Copy:
    """A file as it was fetched."""

    content: bytes
    kind: str


class Copies:
    """What Kommo keeps of the links that arrive: it fetches each once, soon.

    Reference: Kommo, Send or import messages (media).
    """

    def __init__(self, session: aiohttp.ClientSession, poke: Callable[[], None]) -> None:
        self._session = session
        self._poke = poke
        self._copies: dict[str, Copy] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def has(self, link: str) -> bool:
        """Tell whether a link was fetched; begin to when it was not."""
        if link not in self._tasks:
            self._tasks[link] = asyncio.create_task(self._fetch(link))
        return link in self._copies

    def get(self, link: str) -> Copy | None:
        """Return what lay behind a link."""
        return self._copies.get(link)

    async def close(self) -> None:
        """Give up what is not there yet."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _fetch(self, link: str) -> None:
        for _ in range(TRIES):
            try:
                async with self._session.get(link) as answer:
                    if answer.status == 200:  # noqa: PLR2004 - HTTP's own number
                        self._copies[link] = Copy(await answer.read(), answer.content_type)
                        self._poke()
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(PAUSE_S)


def attachment(kommo: KommoResults, link: str) -> Copy | None:
    """Return a file that a manager attached, without asking a Kommo that may be down."""
    content = kommo.attachment(link)
    return None if content is None else Copy(content, kind_of(link))


def kind_of(name: str) -> str:
    """Return the type that a name says."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def file_response(copy: Copy, name: str) -> web.Response:
    """Return a file as an answer; what a browser might run is only ever saved."""
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'"}
    if not copy.kind.startswith(SHOWN):
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return web.Response(body=copy.content, content_type=copy.kind, headers=headers)
