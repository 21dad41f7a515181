"""The connections of one bot to Telegram, and what counts as an answer of Telegram's."""

import json
import re
from typing import Any, cast

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError, TelegramAPIError, TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import Response, TelegramType
from aiohttp.http_exceptions import HttpProcessingError

from bot.http.connector import Connector
from bot.http.routes import DIRECT, Routes

CONNECTIONS = 100
"""So many requests of one bot are under way at most; further ones wait for their turn."""

NAMES_S = 3600
"""So long a looked-up name is remembered, as aiogram does."""

ANSWER_BYTES = 64 << 20
"""A hundred updates with the longest texts are some megabytes."""

WITHIN_S = 60.0
"""How long an answer may take where the caller does not say."""

PAGE = "not an answer of Telegram's"
"""How the description of an answer begins that a proxy gave, or whoever else."""

PAGE_CUT = 80
TAG = re.compile(r"<[^>]*>?")
DIGITS = re.compile(r"[0-9]{1,18}")
LONGEST_WAIT_S = 86_400
"""A server that asks for a longer silence, or for less than none, means something else."""

LARGEST_NUMBER = 1 << 52
"""Reference: Bot API, Chat: an id has at most 52 significant bits."""

_HELD: dict[Any, Any] = {}
"""aiogram makes the type of an answer anew where nobody holds the last one."""

OK, FIRST_REFUSAL, TOO_MANY, UNNAMED = 200, 400, 429, 500
NOTE = "HTTP status "


class TelegramSession(AiohttpSession):
    """aiogram's session, with what costs a bridge of many bots most left out.

    aiogram reads the certificates anew for every bot, and waits a quarter of a second after
    closing, which aiohttp has long done itself. It also takes for granted that Telegram gives
    each answer; a proxy's page, in whatever encoding and size, becomes one of its errors here.

    Args:
        api_url: where the Bot API is.
        routes: which way it is reached.
    """

    def __init__(self, api_url: str, routes: Routes = DIRECT) -> None:
        BaseSession.__init__(self, api=TelegramAPIServer.from_base(api_url), timeout=WITHIN_S)
        self._routes = routes
        self._session: aiohttp.ClientSession | None = None

    async def create_session(self) -> aiohttp.ClientSession:
        """Return the pool; it is opened with the first request."""
        if self._session is None or self._session.closed:
            connector = Connector(self._routes, limit=CONNECTIONS, ttl_dns_cache=NAMES_S)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: Any = None,  # noqa: ASYNC109 - aiogram's own name
    ) -> TelegramType:
        """Make a call.

        Raises:
            AiogramError: it failed, or there is no answer; the status decides where the answer
                is not Telegram's.
        """
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        within = self.timeout if timeout is None else timeout
        if not isinstance(within, aiohttp.ClientTimeout):
            within = aiohttp.ClientTimeout(total=within)
        try:
            async with session.post(
                url, data=form, timeout=within, allow_redirects=False
            ) as answer:
                content = await _read(answer, method)
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="Request timeout error") from error
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            secret = bot.token.partition(":")[2]  # some errors name the address, which holds it
            words = f"{type(error).__name__}: {error}".replace(secret, "***")
            raise TelegramNetworkError(method=method, message=words) from error
        return self._result(bot, method, answer, content)

    def _result(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        answer: aiohttp.ClientResponse,
        content: str,
    ) -> TelegramType:
        """Return what a call was answered, or raise what went wrong."""
        status = answer.status
        if status == OK and (told := _refused_all_the_same(content)):
            status = told
        if status != OK:
            content = normal_refusal(status, answer.headers.get("Retry-After"), content)
        hold_answer_to(method)
        try:
            response = self.check_response(bot, method, status, content)
        except TelegramAPIError as error:
            error.add_note(f"{NOTE}{status}")
            raise
        return cast(TelegramType, response.result)

    async def close(self) -> None:
        """Close the connections and wait until they are."""
        if self._session is not None:
            await self._session.close()


def hold_answer_to(method: TelegramMethod[Any] | type[TelegramMethod[Any]]) -> None:
    """Build the type of a method's answer, once for this process."""
    returned: Any = method.__returning__
    if returned not in _HELD:
        answer: Any = Response.__class_getitem__(returned)
        answer.model_rebuild()
        _HELD[returned] = answer


def normal_refusal(status: int, retry_after: str | None, content: str) -> str:
    """Return a refusal as Telegram would write it, whoever wrote it (pure).

    Args:
        status: the HTTP status; it counts where there is no `error_code`.
        retry_after: the header.
        content: the body.
    """
    told = _object(content)
    description = told.get("description")
    if told.get("ok") is not False or not isinstance(description, str):
        description = f"{PAGE}: HTTP {status} {_cut(content)}".rstrip()
    given = told.get("parameters")
    parameters = {
        key: value
        for key, value in (given if isinstance(given, dict) else {}).items()
        if key in {"retry_after", "migrate_to_chat_id"}
        and type(value) is int
        and abs(value) < LARGEST_NUMBER
    }
    if status == TOO_MANY and not parameters:
        is_number = retry_after is not None and DIGITS.fullmatch(retry_after)
        parameters = {"retry_after": int(retry_after or 0) if is_number else 1}
    if "retry_after" in parameters:
        parameters["retry_after"] = min(max(parameters["retry_after"], 1), LONGEST_WAIT_S)
    refusal = {
        "ok": False,
        "error_code": status,
        "description": description,
        "parameters": parameters or None,
    }
    return json.dumps(refusal)


def http_status(error: TelegramAPIError) -> int | None:
    """Return the status of the answer that an error is about; None when there was none."""
    notes = getattr(error, "__notes__", ())
    found = (note.removeprefix(NOTE) for note in notes if note.startswith(NOTE))
    return next((int(status) for status in found), None)


def _refused_all_the_same(content: str) -> int | None:
    """Return the `error_code` of a refusal that came with the status of a success."""
    if '"ok":true' in content[:20].replace(" ", ""):  # nearly all, and they may be long
        return None
    told = _object(content)
    if told.get("ok") is not False:
        return None
    code = told.get("error_code")
    return code if isinstance(code, int) and code >= FIRST_REFUSAL else UNNAMED


def is_page(error: Exception) -> bool:
    """Tell whether an error is about an answer that Telegram did not give."""
    if isinstance(error, ClientDecodeError):
        return True
    return isinstance(error, TelegramAPIError) and str(error.message).startswith(PAGE)


async def _read(answer: aiohttp.ClientResponse, method: TelegramMethod[Any]) -> str:
    """Return a body as text; what is no text is shown as far as it goes."""
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > ANSWER_BYTES:
            answer.close()
            raise TelegramNetworkError(method=method, message="the answer is too large")
    return content.decode(errors="replace")


def _object(content: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _cut(content: str) -> str:
    """Return the first words of a page, in one line and without its markup."""
    words = TAG.sub(" ", content[:1000])
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return line[:PAGE_CUT]
