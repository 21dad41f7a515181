"""Access to the REST API: a long-lived token, or tokens that renew each other.

Reference: Kommo, OAuth 2.0; Kommo, API limitations.
"""

import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from time import monotonic
from urllib.parse import urlencode

from sandbox.kommo.model import Json, RefusedError

CODE_LIFE = timedelta(minutes=20)
ACCESS_LIFE = timedelta(hours=24)
REFRESH_LIFE = timedelta(days=90)
PER_SECOND, MAX_EXCESS = 7, 50


@dataclass(frozen=True)
class Integration:
    """A private integration of the account, as its Keys tab shows it."""

    client_id: str
    client_secret: str
    redirect_uri: str


@dataclass
class Authority:
    """Gives tokens and knows which are good.

    Args:
        now: the clock.
        long_lived: a token that a person made.
        referer: the account's host, as the browser is told.
    """

    now: Callable[[], datetime]
    long_lived: str
    referer: str = "example.kommo.com"
    integration: Integration | None = None
    denies_consent: bool = False
    renewals: int = 0
    _codes: dict[str, datetime] = field(default_factory=dict)
    _access: dict[str, datetime] = field(default_factory=dict)
    _refresh: dict[str, datetime] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    def consent(self, query: Mapping[str, str]) -> str:
        """Return where the browser of an administrator who was asked is sent."""
        own = self._own(query.get("client_id", ""))
        if self.denies_consent:
            told = {"error": "access_denied"}
        else:
            code = f"fake-code-{next(self._numbers)}"
            self._codes[code] = self.now() + CODE_LIFE
            told = {"code": code, "referer": self.referer, "platform": "2"}
        told["state"] = query.get("state", "")
        return f"{own.redirect_uri}?{urlencode(told)}"

    def tokens(self, body: bytes) -> Json:
        """Carry out a token call."""
        fields = _fields(body)
        own = self._own(fields.get("client_id", ""))
        if not hmac.compare_digest(fields.get("client_secret", ""), own.client_secret):
            raise RefusedError(401, "Client authentication failed")
        if fields.get("redirect_uri") != own.redirect_uri:
            raise RefusedError(400, "Redirect URI mismatch")
        kinds = {
            "authorization_code": ("code", self._codes),
            "refresh_token": ("refresh_token", self._refresh),
        }
        if fields.get("grant_type") not in kinds:
            raise RefusedError(400, "The authorization grant type is not supported")
        kind, good = kinds[fields["grant_type"]]
        if good.pop(fields.get(kind, ""), self.now()) <= self.now():
            raise RefusedError(400, f"The {kind} is invalid, expired or was used")
        self.renewals += kind == "refresh_token"
        return self._pair()

    def is_good(self, authorization: str) -> bool:
        """Tell whether a header opens the REST API."""
        token = authorization.removeprefix("Bearer ")
        if token == authorization:
            return False
        return token == self.long_lived or self._access.get(token, self.now()) > self.now()

    def forget_access(self) -> None:
        """Let every access token expire; what renews them stays good."""
        self._access.clear()

    def revoke(self) -> None:
        """Forget every token, as removing the integration does."""
        self._access.clear()
        self._refresh.clear()

    def _pair(self) -> Json:
        """Make a pair; the one before it is dead."""
        self.revoke()
        number = next(self._numbers)
        access, refresh = f"fake-access-token-{number}", f"fake-refresh-token-{number}"
        self._access[access] = self.now() + ACCESS_LIFE
        self._refresh[refresh] = self.now() + REFRESH_LIFE
        return {
            "token_type": "Bearer",
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "server_time": int(self.now().timestamp()),
            "access_token": access,
            "refresh_token": refresh,
        }

    def _own(self, client_id: str) -> Integration:
        if self.integration is None or self.integration.client_id != client_id:
            raise RefusedError(401, "Client authentication failed")
        return self.integration


def _fields(body: bytes) -> dict[str, str]:
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise RefusedError(400, "not JSON") from error
    if not isinstance(fields, dict) or not all(isinstance(one, str) for one in fields.values()):
        raise RefusedError(400, "an object of texts is expected")
    return fields


@dataclass
class Gate:
    """Refuses who asks too often, and accounts that may not ask.

    Args:
        per_second: how many requests are let through; None for all.
        clock: seconds, of the wall and not of the account: that is what a limit is about.
    """

    per_second: int | None = PER_SECOND
    clock: Callable[[], float] = monotonic
    is_paid: bool = True
    has_rights: bool = True
    is_blocked: bool = False
    excess: int = 0
    _latest: "deque[float]" = field(default_factory=deque)

    def pass_through(self) -> None:
        """Let one request through, or say why not."""
        if self.per_second is not None:
            self._count(self.per_second)
        if self.is_blocked:
            raise RefusedError(403, "This address is blocked: too many requests")

    def check_rights(self) -> None:
        """Refuse what the account or the token's user may not do."""
        if not self.is_paid:
            raise RefusedError(402, "The account is not paid for")
        if not self.has_rights:
            raise RefusedError(403, "Not enough rights")

    def _count(self, per_second: int) -> None:
        now = self.clock()
        while self._latest and self._latest[0] <= now - 1:
            self._latest.popleft()
        if len(self._latest) < per_second:
            self._latest.append(now)
            return
        self.excess += 1
        self.is_blocked = self.is_blocked or self.excess > MAX_EXCESS
        raise RefusedError(429, "Too many requests")
