"""The sandbox's Telegram: a Bot API server, and what people do in Telegram.

    async with TelegramServer.start() as telegram:
        telegram.add_bot("700001:...", name="Sales", username="sales_bot")
        telegram.client_says("Do you deliver?")
        ...
        telegram.texts_to(555)

What people do is in `People` and `PeopleWithTopics`, faults and going down in `SandboxServer`.
Faults name a call by its method (``sendMessage``) and a download by ``file/`` and its path. Limits
on speed are off, unless `flood_limit` is set.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from sandbox.faults import Call, abort
from sandbox.http import SandboxServer, json_response
from sandbox.telegram.control import control_routes, seen
from sandbox.telegram.files import StoredFile
from sandbox.telegram.flood import FloodLimit
from sandbox.telegram.methods import GET_UPDATES, NAMES, carry_out
from sandbox.telegram.model import ApiCall, ApiError, Bot, Json, SentMessage
from sandbox.telegram.requests import read_request
from sandbox.telegram.topics import PeopleWithTopics
from sandbox.telegram.updates import get_updates

WORDS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
    "is running",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class TelegramServer(SandboxServer, PeopleWithTopics):
    """A Bot API server on loopback.

    Args:
        is_throttled: whether the same offset, asked for too often, is answered more slowly.
    """

    def __init__(
        self,
        *,
        local_folder: Path | None = None,
        now: Callable[[], float] = time.time,
        is_throttled: bool = False,
    ) -> None:
        SandboxServer.__init__(self, error_body)
        PeopleWithTopics.__init__(self, local_folder=local_folder, now=now)
        self.is_throttled = is_throttled
        self.cut_files_at_bytes: int | None = None
        self.flood_limit: FloodLimit | None = None

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        local_folder: Path | None = None,
        now: Callable[[], float] = time.time,
        is_throttled: bool = False,
    ) -> AsyncIterator["TelegramServer"]:
        """Serve until the block is left.

        Args:
            host: a loopback address.
            port: 0 for any free one.
            local_folder: where files lie, for a server that behaves like a local Bot API server.
            now: the time, in Unix seconds.
            is_throttled: whether the same offset, asked for too often, is answered more slowly.
        """
        server = cls(local_folder=local_folder, now=now, is_throttled=is_throttled)
        async with server.serving(host, port):
            try:
                yield server
            finally:
                server._end_polls()
                server.remove_uploads()

    def routes(self) -> list[web.RouteDef]:
        """The Bot API, its files, and how a person drives the sandbox by hand."""
        return [
            web.route("*", "/bot{token}/{method}", self._api),
            web.get("/file/bot{token}/{path:.+}", self._file),
            *control_routes(self, self.add_bot),
        ]

    def add_bot(self, token: str, *, name: str = "Bot", username: str = "test_bot") -> int:
        """Create a bot account; return its id."""
        bot = Bot(int(token.partition(":")[0]), token, name, username)
        self.bots[bot.id] = bot
        return bot.id

    def revoke(self, bot: int | None = None) -> None:
        """Make a bot's token invalid."""
        self.bot(bot).is_revoked = True

    def expire_links(self) -> None:
        """Let all download links end, as they do after an hour."""
        self.paths.clear()

    def calls(self, method: str | None = None) -> list[ApiCall]:
        """What the bots asked for, whether it was granted or not, in order."""
        return [call for call in self.call_log if method in {None, call.method}]

    def confirmed(self, bot: int | None = None) -> list[int]:
        """The update ids that a bot confirmed, in order."""
        return list(self.bot(bot).confirmed)

    def pending_updates(self, bot: int | None = None) -> list[Json]:
        """The updates that a bot has not confirmed."""
        return list(self.bot(bot).updates)

    def sent_to(self, chat_id: int) -> list[SentMessage]:
        """What the bots sent to a chat, in order."""
        return [message for message in self.sent if message.chat_id == chat_id]

    def texts_to(self, chat_id: int) -> list[str]:
        """The texts and captions that the bots sent to a chat, in order."""
        return [message.text for message in self.sent_to(chat_id)]

    def seen_by(self, chat_id: int) -> list[Json]:
        """What a client sees now: all messages as they are after edits and deletions."""
        return seen(self, chat_id)

    def _end_polls(self) -> None:
        for bot in self.bots.values():
            if bot.poll is not None:
                bot.poll.end("stopped")

    def _bot_of(self, request: web.Request) -> Bot:
        token = request.match_info["token"]
        number, colon, secret = token.partition(":")
        if not (number.isdigit() and colon and secret):
            raise ApiError(404, "Not Found")
        bot = self.bots.get(int(number))
        if bot is None or bot.token != token or bot.is_revoked:
            raise ApiError(401, "Unauthorized")
        return bot

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        name = NAMES.get(method.lower(), method)
        try:
            bot = self._bot_of(request)
            parameters, files = await read_request(request, self.spool)
        except ApiError as error:
            return json_response(error.body(), error.status)
        call = ApiCall(bot, name, parameters, files, self.now())
        named = Call(request, name, parameters.get("chat_id"), parameters)
        return await self.guarded(named, lambda: self._answer(call))

    async def _answer(self, call: ApiCall) -> web.Response:
        self.call_log.append(call)
        try:
            result = await self._result(call)
        except ApiError as error:
            return json_response(error.body(), error.status)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            body = ApiError(400, f"Bad Request: wrong parameters: {error!r}").body()
            return json_response(body, 400)
        return json_response({"ok": True, "result": result})

    async def _result(self, call: ApiCall) -> Any:
        if call.method == GET_UPDATES:
            return await get_updates(call, is_throttled=self.is_throttled)
        if self.flood_limit is not None:
            self.flood_limit.check(call)
        return carry_out(self, call)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        try:
            bot = self._bot_of(request)
        except ApiError as error:
            return json_response(error.body(), error.status)
        file = self.file(bot, self.paths.get(path, ""))
        if file is None:
            return json_response(ApiError(404, "Not Found").body(), 404)
        named = Call(request, f"file/{path}")
        return await self.guarded(named, lambda: self._stream(request, file))

    async def _stream(self, request: web.Request, file: StoredFile) -> web.StreamResponse:
        """Send a file; break off in the middle if that was asked for."""
        response = web.StreamResponse(headers={"Content-Length": str(file.size)})
        response.content_type = "application/octet-stream"
        await response.prepare(request)
        sent = 0
        for chunk in file.chunks():
            if self.cut_files_at_bytes is not None and sent + len(chunk) > self.cut_files_at_bytes:
                await response.write(chunk[: self.cut_files_at_bytes - sent])
                abort(request)
                return response
            await response.write(chunk)
            sent += len(chunk)
        await response.write_eof()
        return response


def error_body(status: int, retry_after_s: float | None) -> Json:
    """An error as Telegram words it."""
    if retry_after_s is None:
        return ApiError(status, WORDS.get(status, "Bad Request")).body()
    wait_s = int(retry_after_s)
    description = f"Too Many Requests: retry after {wait_s}"
    return ApiError(status, description, {"retry_after": wait_s}).body()
