"""The sandbox's Telegram: a Bot API server, and what people do in Telegram.

async with TelegramServer.start() as telegram:
    telegram.add_bot("700001:…", name="Sales", username="sales_bot")
    telegram.client_says("Do you deliver?")
    telegram.texts_to(555)
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox import faults, telegram_methods
from sandbox.http import SandboxServer, control_fields, json_response
from sandbox.telegram_model import Bot, Call, SentMessage, Upload
from sandbox.telegram_people import People
from sandbox.telegram_updates import ApiError

CHUNK = 64 * 1024


class TelegramServer(SandboxServer, People):
    """A Bot API server on loopback."""

    def __init__(self, *, local_folder: Path | None = None) -> None:
        SandboxServer.__init__(self, _fault_body)
        People.__init__(self)
        self.bots: dict[int, Bot] = {}
        self.calls_made: list[Call] = []
        self.local_folder = local_folder

    @classmethod
    @asynccontextmanager
    async def start(
        cls, host: str = "127.0.0.1", port: int = 0, *, local_folder: Path | None = None
    ) -> AsyncIterator["TelegramServer"]:
        """Serve until the block is left.

        Args:
            host: a loopback address.
            port: 0 for any free one.
            local_folder: where files lie, for a server that behaves like a local Bot API server.
        """
        server = cls(local_folder=local_folder)
        async with server.serving(host, port):
            try:
                yield server
            finally:
                for bot in server.bots.values():
                    if bot.poll is not None:
                        bot.poll.ended.set()

    def routes(self) -> list[web.RouteDef]:
        """The Bot API, its files, and how a person drives the sandbox by hand."""
        return [
            web.route("*", "/bot{token}/{method}", self._api),
            web.get("/file/bot{token}/{path:.+}", self._file),
            web.post("/sandbox/client/says", self._client_says),
            web.get("/sandbox/client/{chat_id}", self._client_sees),
        ]

    @property
    def is_local(self) -> bool:
        """Tell whether files are handed over by their path."""
        return self.local_folder is not None

    def add_bot(self, token: str, *, name: str = "Bot", username: str = "test_bot") -> int:
        """Create a bot account; return its id."""
        bot = Bot(int(token.partition(":")[0]), token, name, username)
        self.bots[bot.id] = bot
        return bot.id

    def revoke(self, bot_id: int) -> None:
        """Make a bot's token invalid."""
        self.bots[bot_id].is_revoked = True

    def calls(self, method: str | None = None) -> list[Call]:
        """Return what the bots asked for, but for getUpdates and getMe."""
        return [call for call in self.calls_made if method in {None, call.method}]

    def confirmed(self, bot_id: int | None = None) -> list[int]:
        """Return the update ids that a bot confirmed, in order."""
        return self.bot(bot_id).confirmed

    def pending_updates(self, bot_id: int | None = None) -> list[dict[str, Any]]:
        """Return the updates that a bot has not confirmed."""
        return list(self.bot(bot_id).updates)

    def sent_to(self, chat_id: int) -> list[SentMessage]:
        """Return what the bots sent to a person, in order."""
        return [message for message in self.sent if message.chat_id == chat_id]

    def texts_to(self, chat_id: int) -> list[str]:
        """Return the texts and captions that the bots sent to a person, in order."""
        return [message.text for message in self.sent_to(chat_id)]

    def file_path(self, file_id: str) -> str:
        """Return what getFile says: a path of the server, or of the disk for a local server."""
        if self.local_folder is None:
            return f"files/{file_id}"
        path = self.local_folder / file_id
        if not path.exists():
            path.write_bytes(self.files[file_id].content)
        return str(path)

    def _bot_of(self, token: str) -> Bot:
        number = token.partition(":")[0]
        if not number.isdigit() or ":" not in token:
            raise ApiError(404, "Not Found")
        bot = self.bots.get(int(number))
        if bot is None or bot.token != token or bot.is_revoked:
            raise ApiError(401, "Unauthorized")
        return bot

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        parameters, files = await _read(request)
        call = faults.Call(request, method, parameters.get("chat_id"), parameters)
        return await self.guarded(call, lambda: self._carry_out(request, parameters, files))

    async def _carry_out(
        self, request: web.Request, parameters: dict[str, Any], files: dict[str, Upload]
    ) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            bot = self._bot_of(request.match_info["token"])
            if method.lower() not in {"getupdates", "getme"}:
                self.calls_made.append(Call(bot.id, method, parameters))
            result = await telegram_methods.call(self, bot, method, parameters, files)
        except ApiError as error:
            return error.response()
        except (ValueError, KeyError, TypeError) as error:
            return ApiError(400, f"Bad Request: {error}").response()
        return json_response({"ok": True, "result": result})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        try:
            self._bot_of(request.match_info["token"])
        except ApiError as error:
            return error.response()
        upload = self.files.get(request.match_info["path"].rpartition("/")[2])
        if upload is None:
            return ApiError(404, "Not Found").response()
        response = web.StreamResponse(headers={"Content-Length": str(upload.size)})
        response.content_type = "application/octet-stream"
        await response.prepare(request)
        left = upload.size
        while left:
            part = upload.content[upload.size - left :][:CHUNK] or b"\0" * min(left, CHUNK)
            await response.write(part)
            left -= len(part)
        await response.write_eof()
        return response

    async def _client_says(self, request: web.Request) -> web.Response:
        data = await control_fields(request)
        message_id = self.client_says(
            str(data.get("text") or ""),
            chat_id=int(data.get("chat_id") or 555),
            name=str(data.get("name") or "Ann"),
            bot=int(data["bot"]) if data.get("bot") else None,
        )
        return web.json_response({"message_id": message_id})

    async def _client_sees(self, request: web.Request) -> web.Response:
        chat_id = int(request.match_info["chat_id"])
        return web.json_response([_seen(message) for message in self.sent_to(chat_id)])


def _seen(message: SentMessage) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "method": message.method,
        "text": message.text,
        "reply_markup": message.reply_markup,
        "files": [upload.name for upload in message.files.values()],
    }


async def _read(request: web.Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Return a call's parameters and files, however they were sent."""
    parameters: dict[str, Any] = dict(request.query)
    files: dict[str, Upload] = {}
    if request.content_type == "application/json":
        parameters.update(await request.json())
    elif request.content_type.startswith("multipart/"):
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            content = bytes(await part.read())
            if part.filename is None:
                parameters[part.name or ""] = content.decode()
            else:
                digest = hashlib.sha256(content).hexdigest()
                files[part.name or ""] = Upload(part.filename, len(content), digest, content)
    elif request.can_read_body:
        parameters.update(await request.post())
    return parameters, files


def _fault_body(status: int, retry_after: float | None) -> dict[str, object]:
    """Return an error as Telegram words it."""
    words = {
        401: "Unauthorized",
        403: "Forbidden: bot was blocked by the user",
        409: "Conflict: terminated by other getUpdates request",
        429: f"Too Many Requests: retry after {int(retry_after or 0)}",
        500: "Internal Server Error",
        502: "Bad Gateway",
    }
    body: dict[str, object] = {
        "ok": False,
        "error_code": status,
        "description": words.get(status, "Bad Request: injected"),
    }
    if retry_after is not None:
        body["parameters"] = {"retry_after": int(retry_after)}
    return body
