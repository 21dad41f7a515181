"""`CrmApi`: the few calls of Kommo's REST API v4 that a channel needs, over httpx."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx

from kommo.errors import PayloadError, RateLimitedError, RequestError, ServerError
from kommo.exchange import LIMITS, Limits, exchange
from kommo.failures import refusal, told_error, unreachable
from kommo.ids import AmojoId, KommoChatId
from kommo.limits import CrmLimits
from kommo.remedies import UNREACHED, remedy_of
from kommo.wire import Fields, decode

BATCH = 50
"""How many sources or templates one request may carry. Reference: Kommo, Sources."""

MAX_PAGES = 100

PAUSES_S = (1.0, 2.0, 3.0, 4.0)
"""How long a command waits when other processes ask as well; each up to twice its length."""

LONGEST_PAUSE_S = 10.0

_HEADERS = {"Content-Type": "application/json"}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Contact:
    """A contact, and its phone numbers as somebody wrote them."""

    id: int
    phones: tuple[str, ...]


class Access(Protocol):
    """What opens the REST API."""

    @property
    def remedy(self) -> str:
        """What a person can do when the token is refused."""
        ...

    async def token(self) -> str:
        """Return a token that should be good."""
        ...

    async def instead_of(self, refused: str) -> str | None:
        """Return another token than one that was refused; None when there is none."""
        ...


class LongLivedToken:
    """A token that a person made. Reference: Kommo, Long-lived token."""

    remedy = (
        "the access token is wrong, expired or revoked: make a new one in the integration's "
        "Keys tab and set kommo.access_token"
    )

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        """Return it."""
        return self._token

    async def instead_of(self, refused: str) -> str | None:
        """Return nothing: only a person can make another."""
        return None


class CrmApi:
    """The REST API of one account; every method may raise a `RequestError`.

    Args:
        http: knows the account's address, and how long to wait; keeps no cookies.
        access: opens the account.
        pace: shared by all that ask from this address.
        now: the clock.
        pauses_s: after each of them a call is made again that Kommo had no time for.
        limits: what an answer may cost.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        access: Access,
        pace: CrmLimits,
        now: Callable[[], datetime],
        pauses_s: Sequence[float] = (),
        limits: Limits = LIMITS,
    ) -> None:
        self._http = http
        self._access = access
        self._pace = pace
        self._now = now
        self._pauses_s = pauses_s
        self._limits = limits

    async def account_id(self) -> AmojoId:
        """Return the account's id in the Chats API. Reference: Kommo, Account parameters."""
        what = "GET /api/v4/account"
        fields = await self._call("GET", "account", query={"with": "amojo_id"})
        amojo_id = fields.optional("amojo_id")
        if amojo_id is None:
            raise ServerError(f"{what}: Kommo told no amojo_id", status=httpx.codes.OK)
        return AmojoId(amojo_id)

    async def sources(self) -> list[Row]:
        """Return the integration's sources; Kommo has no pages of them."""
        return _rows(await self._call("GET", "sources"), "sources")

    async def create_sources(self, rows: Sequence[Row]) -> None:
        """Create sources."""
        await self._write("POST", "sources", rows)

    async def update_sources(self, rows: Sequence[Row]) -> None:
        """Change sources, each named by its `id`."""
        await self._write("PATCH", "sources", rows)

    async def delete_sources(self, ids: Sequence[int]) -> None:
        """Delete sources."""
        await self._write("DELETE", "sources", [{"id": number} for number in ids])

    async def templates(self) -> list[Row]:
        """Return the integration's message templates."""
        return [row async for row in self._pages("chats/templates", "chat_templates")]

    async def create_templates(self, rows: Sequence[Row]) -> None:
        """Create templates."""
        await self._write("POST", "chats/templates", rows)

    async def update_templates(self, rows: Sequence[Row]) -> None:
        """Change templates, each named by its `id`."""
        await self._write("PATCH", "chats/templates", rows)

    async def contacts(self, query: str) -> list[Contact]:
        """Return the contacts that a search finds; its words may be a part of a phone number.

        Reference: Kommo, Contacts list (Find contact by a phone number).
        """
        rows = self._pages("contacts", "contacts", query={"query": query})
        numbered = [(Fields(row).integer("id"), row) async for row in rows]
        return [Contact(number, _phones(row)) for number, row in numbered if number is not None]

    async def has_contact(self, contact_id: int) -> bool:
        """Tell whether there is a contact. Reference: Kommo, Contacts list (Contact by ID)."""
        fields = await self._call("GET", f"contacts/{contact_id}")
        return fields.integer("id") == contact_id

    async def link_chat(self, contact_id: int, kommo_chat_id: KommoChatId) -> None:
        """Make a chat a contact's; again is harmless. Reference: Kommo, Link chat to contact."""
        row = {"contact_id": contact_id, "chat_id": kommo_chat_id}
        await self._call("POST", "contacts/chats", body=[row])

    async def _pages(
        self, path: str, name: str, *, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[Row]:
        for page in range(1, MAX_PAGES + 1):
            fields = await self._call(
                "GET", path, query={**(query or {}), "page": page, "limit": BATCH}
            )
            rows = _rows(fields, name)
            for row in rows:
                yield row
            if len(rows) < BATCH:
                return

    async def _write(self, method: str, path: str, rows: Sequence[Row]) -> None:
        for start in range(0, len(rows), BATCH):
            await self._call(method, path, body=rows[start : start + BATCH])

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Sequence[Row] | None = None,
    ) -> Fields:
        """Make a call; return the answer's object, an empty one for 204."""
        content = json.dumps(list(body)).encode() if body is not None else None
        for pause_s in self._pauses_s:
            try:
                return await self._attempt(method, path, query, content)
            except RateLimitedError as error:  # carried out nothing
                wait_s = max(pause_s, error.retry_after_s or 0.0)
                if wait_s > LONGEST_PAUSE_S:
                    raise
                await asyncio.sleep(wait_s * (1 + random.random()))  # noqa: S311 - no secret
        return await self._attempt(method, path, query, content)

    async def _attempt(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        content: bytes | None,
    ) -> Fields:
        what = f"{method} /api/v4/{path}"
        request = self._http.build_request(
            method, f"/api/v4/{path}", params=query, content=content, headers=_HEADERS
        )
        token = await self._access.token()
        response = await self._send(what, request, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            other = await self._access.instead_of(token)
            if other is not None:
                token, response = other, await self._send(what, request, other)
        if not response.is_success or told_error(response.content).is_error:
            is_unknown = response.status_code == httpx.codes.UNAUTHORIZED
            remedy = self._access.remedy if is_unknown else remedy_of(response.status_code)
            raise self._refused(
                refusal(what, response, secret=token, now=self._now(), remedy=remedy)
            )
        if not response.content:
            return Fields({})
        try:
            return decode(response.content)
        except PayloadError as error:
            message = f"{what}: Kommo's answer cannot be read: {error}"
            raise ServerError(message, status=httpx.codes.OK) from error

    def _refused(self, error: RequestError) -> RequestError:
        """Return an error; after a 429 nobody asks for as long as Kommo says."""
        if isinstance(error, RateLimitedError):
            self._pace.slow_down(error.retry_after_s)
        return error

    async def _send(self, what: str, request: httpx.Request, token: str) -> httpx.Response:
        await self._pace.turn()
        request.headers["Authorization"] = f"Bearer {token}"
        try:
            return await exchange(self._http, request, limits=self._limits)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(what, error, remedy=UNREACHED) from error


def _phones(contact: Row) -> tuple[str, ...]:
    """Return a contact's phone numbers as somebody wrote them: the values of its PHONE fields."""
    return tuple(
        value.text("value")
        for field in Fields(contact).children("custom_fields_values")
        if field.text("field_code") == "PHONE"
        for value in field.children("values")
    )


def _rows(fields: Fields, name: str) -> list[Row]:
    """Return the objects of a list; none when Kommo answered with nothing."""
    return [row.data for row in fields.child("_embedded").children(name)]
