"""`OAuthApi`: tokens for the REST API, over httpx; they renew each other.

Reference: Kommo, OAuth 2.0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from kommo.errors import PayloadError, RateLimitedError, ServerError
from kommo.exchange import LIMITS, Limits, exchange
from kommo.failures import refusal, unreachable
from kommo.remedies import UNREACHED, remedy_of
from kommo.wire import decode, encode

PATH = "/oauth2/access_token"


class Turns(Protocol):
    """Spaces requests to one address."""

    async def turn(self) -> None:
        """Wait for the next request's turn."""
        ...

    def slow_down(self, for_s: float | None) -> None:
        """Let nothing pass for as long as Kommo says."""
        ...


@dataclass(frozen=True, repr=False)
class Tokens:
    """A pair of tokens; the one that renews is good for one time."""

    access_token: str
    refresh_token: str
    expires_at: datetime


@dataclass(frozen=True, repr=False)
class Integration:
    """Who asks for tokens; `redirect_uri` exactly as it is registered."""

    client_id: str
    client_secret: str
    redirect_uri: str


class OAuthApi:
    """Makes tokens for one integration; every method may raise a `RequestError`.

    Args:
        http: knows how long to wait; keeps no cookies.
        integration: who asks.
        pace: shared by all that ask from this address.
        now: the clock.
        limits: what an answer may cost.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        integration: Integration,
        *,
        pace: Turns,
        now: Callable[[], datetime],
        limits: Limits = LIMITS,
    ) -> None:
        self._http = http
        self._limits = limits
        self._integration = integration
        self._pace = pace
        self._now = now

    async def exchange(self, account_url: str, code: str) -> Tokens:
        """Return the first tokens for the code that a consent gave; it is good for one time."""
        return await self._ask(account_url, {"grant_type": "authorization_code", "code": code})

    async def renew(self, account_url: str, refresh_token: str) -> Tokens:
        """Return the next tokens; from then on the old ones are worth nothing."""
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._ask(account_url, fields)

    async def _ask(self, account_url: str, fields: Mapping[str, str]) -> Tokens:
        what = f"POST {PATH} ({fields['grant_type']})"
        own = self._integration
        ask = {
            "client_id": own.client_id,
            "client_secret": own.client_secret,
            "redirect_uri": own.redirect_uri,
            **fields,
        }
        await self._pace.turn()
        asked_at = self._now()
        try:
            request = self._http.build_request(
                "POST",
                account_url + PATH,
                content=encode(ask),
                headers={"Content-Type": "application/json"},
            )
            response = await exchange(self._http, request, limits=self._limits)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(what, error, remedy=UNREACHED) from error
        if not response.is_success:
            refused = refusal(
                what,
                response,
                secret=own.client_secret,
                others=[fields.get("code", ""), fields.get("refresh_token", "")],
                now=self._now(),
                remedy=remedy_of(response.status_code),
            )
            if isinstance(refused, RateLimitedError):
                self._pace.slow_down(refused.retry_after_s)
            raise refused
        return _read(what, response.content, asked_at)


def _read(what: str, body: bytes, asked_at: datetime) -> Tokens:
    """Read tokens; what cannot be read is not quoted, it may hold one."""
    try:
        fields = decode(body)
        lifetime_s = fields.integer("expires_in")
        return Tokens(
            fields.required("access_token"),
            fields.required("refresh_token"),
            asked_at + timedelta(seconds=min(max(lifetime_s or 0, 0), 10**9)),
        )
    except PayloadError as error:
        message = f"{what}: Kommo's answer cannot be read: {error}"
        raise ServerError(message, status=httpx.codes.OK) from error
