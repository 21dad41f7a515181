"""The page's own files, and those that its messages carry."""

import mimetypes
from pathlib import Path
from typing import Final

from aiohttp import web

from sandbox.kommo.server import KommoServer
from sandbox.page.media import Copies, Copy, attachment, file_response
from sandbox.telegram.server import TelegramServer

STATIC: Final = Path(__file__).parent / "static"


def static_routes() -> list[web.RouteDef]:
    """Return the page itself, read once: its modules are asked for all at the same moment."""
    mimetypes.add_type("text/javascript", ".js")
    files = {file.name: Copy(file.read_bytes(), _kind(file)) for file in STATIC.iterdir()}

    async def index(_request: web.Request) -> web.Response:
        return _as_it_is(files["index.html"])

    async def static(request: web.Request) -> web.Response:
        file = files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return _as_it_is(file)

    return [web.get("/", index), web.get("/static/{name}", static)]


def media_routes(
    telegram: TelegramServer, kommo: KommoServer, copies: Copies
) -> list[web.RouteDef]:
    """Return the files of both sides' messages, and the clients' pictures."""

    async def telegram_file(request: web.Request) -> web.Response:
        file = telegram.files.get(request.match_info["id"])
        if file is None:
            raise web.HTTPNotFound
        return file_response(Copy(file.content, file.mime_type), file.name)

    async def kommo_file(request: web.Request) -> web.Response:
        message = kommo.account.message(request.match_info["id"])
        link = message.content.get("media") if message else None
        copy = (attachment(kommo, link) or copies.get(link)) if link else None
        if message is None or copy is None:
            raise web.HTTPNotFound
        return file_response(copy, str(message.content.get("file_name") or "file"))

    async def avatar(request: web.Request) -> web.Response:
        conversation = kommo.account.conversation(request.match_info["id"])
        copy = copies.get(conversation.client.avatar or "") if conversation else None
        if copy is None:
            raise web.HTTPNotFound
        return file_response(copy, "avatar")

    return [
        web.get("/files/telegram/{id}", telegram_file),
        web.get("/files/kommo/{id}", kommo_file),
        web.get("/files/avatar/{id}", avatar),
    ]


def _as_it_is(file: Copy) -> web.Response:
    return web.Response(body=file.content, content_type=file.kind, charset="utf-8")


def _kind(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
