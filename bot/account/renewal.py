"""The grant of a consent: kept in the database, and renewed by one process at a time.

Reference: Kommo, OAuth 2.0. A renewal kills the tokens before it, so a lease in the database keeps
other processes away. What Kommo answered is stored before it is used. A process that is killed
between Kommo's answer and the store loses the new tokens; the old access token is used as long as
it is good, which renewing early makes hours, and then an administrator has to consent again.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.health import RestHealth
from kommo.errors import KommoError, RejectedError, UnreachableError
from kommo.oauth import OAuthApi, Tokens
from storage.database import Database, Transaction
from storage.grants import Grant
from storage.patience import persist

RENEWAL_S = 20.0
"""A renewal that takes longer is given up."""

LEASE = timedelta(seconds=25)
"""Longer than a renewal takes: only a process that died holds it for this time."""

POLL_S = 0.2
SAID_AT = 8
"""How often to look at another process's renewal before telling a person about the wait."""

UNAUTHORIZED = 401
LOST = frozenset({400, UNAUTHORIZED})
"""Kommo no longer knows the token; other refusals may pass."""

log = logging.getLogger(__name__)


class Report:
    """Says how the access is: in the log once, to who looks with a link that is still good.

    Args:
        health: hears how it is; None where nobody looks.
    """

    def __init__(self, health: RestHealth | None) -> None:
        self._health = health

    def problem(self, text: str) -> None:
        """Say what is wrong."""
        if self._health is None:
            return
        if self._health.problem is None:
            log.error("%s", text)
        self._health.problem = text

    def well(self) -> None:
        """Say that nothing is wrong any longer."""
        if self._health is not None:
            self._health.problem = None


class KeptGrant:
    """The grant of one integration.

    Args:
        database: keeps it.
        api: makes tokens.
        client_id: the integration.
        remedy: returns what to do where there is none, with a new link.
        report: hears how it is.
        now: the clock.
    """

    def __init__(
        self,
        database: Database,
        api: OAuthApi,
        client_id: str,
        *,
        remedy: Callable[[], str],
        report: Report,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._api = api
        self._client_id = client_id
        self._remedy = remedy
        self._report = report
        self._now = now
        self._name = secrets.token_hex(8)
        self.renewed_at: datetime | None = None

    async def find(self) -> Grant | None:
        """Return the grant; None when nobody consented yet."""
        async with self._database.snapshot() as snapshot:
            return await snapshot.grants.get(self._client_id)

    async def known(self) -> Grant:
        """Return the grant that is kept.

        Raises:
            RejectedError: nobody consented yet.
        """
        grant = await self.find()
        if grant is None:
            raise RejectedError(
                f"there is no access to Kommo's REST API yet: {self._remedy()}",
                status=UNAUTHORIZED,
            )
        return grant

    async def take(self, account_url: str, code: str) -> None:
        """Exchange the code of a consent for a grant, and keep that.

        Raises:
            RequestError: Kommo no longer knows the code, or did not answer.
        """
        tokens = await self._api.exchange(account_url, code)
        await self._save(account_url, tokens, granted_at=self._now())
        self._report.well()

    async def renew(self, stale: str) -> Grant:
        """Return a grant whose token is another one; it is renewed unless another process does it.

        Raises:
            RequestError: it could not be renewed.
        """
        looks = 0
        while True:
            is_mine = await persist(self._database, self._lease)
            grant = await self.known()
            if grant.access_token != stale:
                await self._release(None)
                return grant
            if is_mine:
                return await self._ask(grant)
            looks += 1
            if looks == SAID_AT:
                log.warning(
                    "waiting for another process that renews the access to Kommo's REST API; if "
                    "it was killed, its turn ends within %.0f s",
                    LEASE.total_seconds(),
                )
            await asyncio.sleep(POLL_S)

    async def _ask(self, grant: Grant) -> Grant:
        try:
            async with asyncio.timeout(RENEWAL_S):
                tokens = await self._api.renew(grant.account_url, grant.refresh_token)
        except TimeoutError as error:
            await self._release(None)
            late = f"Kommo did not renew the access to its REST API within {RENEWAL_S:.0f} s"
            raise UnreachableError(late, was_sent=True) from error
        except RejectedError as error:
            problem = _refusal(error, self._remedy())
            await self._release(problem)
            self._report.problem(problem)
            raise RejectedError(problem, status=error.status) from error
        except KommoError:
            await self._release(None)
            raise
        renewed = await self._save(grant.account_url, tokens, granted_at=grant.granted_at)
        self.renewed_at = self._now()
        self._report.well()
        log.info("access to Kommo's REST API was renewed")
        return renewed

    async def _save(self, account_url: str, tokens: Tokens, *, granted_at: datetime) -> Grant:
        grant = Grant(
            client_id=self._client_id,
            account_url=account_url,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_at=tokens.expires_at,
            granted_at=granted_at,
        )
        await persist(self._database, lambda tx: tx.grants.put(grant))
        return grant

    async def _lease(self, tx: Transaction) -> bool:
        now = self._now()
        return await tx.grants.take(self._client_id, by=self._name, now=now, until=now + LEASE)

    async def _release(self, problem: str | None) -> None:
        await persist(
            self._database,
            lambda tx: tx.grants.release(self._client_id, by=self._name, problem=problem),
        )


def _refusal(error: RejectedError, remedy: str) -> str:
    """Return why there is no renewal, and what to do."""
    if error.status in LOST:
        return f"access to Kommo's REST API is lost ({error}); {remedy}"
    return f"access to Kommo's REST API cannot be renewed ({error}); it is retried automatically"
