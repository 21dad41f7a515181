"""Access to the REST API that an administrator granted: kept, renewed, and missed when lost.

Reference: Kommo, OAuth 2.0. A renewal kills the tokens before it, so one is made at a time: a
lock for this process, a lease in the database for others. What Kommo answered is stored before it
is used, and a caller that is cancelled does not cancel that. A process that is killed between
Kommo's answer and the store loses the new tokens; the old access token is used as long as it is
good, which renewing early makes hours, and then an administrator has to consent again.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from bot.health import RestHealth
from kommo.errors import KommoError, RejectedError, UnreachableError
from kommo.oauth import OAuthApi, Tokens
from storage.database import Database, Transaction
from storage.grants import Grant
from storage.patience import persist

NEARLY = timedelta(minutes=1)
"""A token that expires sooner is renewed before it is used."""

AHEAD = timedelta(hours=6)
"""The scheduler renews a token that expires sooner: of the 24 hours of its life, the last."""

RENEWAL_S = 20.0
"""A renewal that takes longer is given up."""

LEASE = timedelta(seconds=25)
"""Longer than a renewal takes; only a process that died holds it so long."""

PATIENCE = timedelta(minutes=10)
"""A token younger than this that is refused is not the reason: another would be refused too."""

REMEDY = (
    "an administrator of the account has to allow it: while the bridge runs, open this link "
    "(valid for a day; `kommo-telegram check` makes a new one):"
)

POLL_S, CLOSE_S = 0.2, 4.0
SAID_AT = 8
"""After so many looks at another process's renewal a person hears what the wait is for."""

UNAUTHORIZED = 401
LOST = frozenset({400, UNAUTHORIZED})
"""Kommo no longer knows the token; other refusals may pass."""

log = logging.getLogger(__name__)


class GrantedAccess:
    """Opens the REST API with a grant, for as many callers as there are.

    Args:
        database: keeps the grant.
        api: makes tokens.
        client_id: the integration.
        link: makes a link to the consent.
        health: hears how it is; None where nobody looks.
        now: the clock.
    """

    def __init__(
        self,
        database: Database,
        api: OAuthApi,
        client_id: str,
        *,
        link: Callable[[], str],
        health: RestHealth | None,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._api = api
        self._client_id = client_id
        self._link = link
        self._health = health
        self._now = now
        self._name = secrets.token_hex(8)
        self._lock = asyncio.Lock()
        self._new_at: datetime | None = None
        self._renewal: asyncio.Task[Grant] | None = None

    @property
    def remedy(self) -> str:
        """What to do when there is no access, with a new link."""
        return f"{REMEDY} {self._link()}"

    @asynccontextmanager
    async def closing(self) -> AsyncIterator["GrantedAccess"]:
        """Let a renewal under way end before what it needs is closed."""
        try:
            yield self
        finally:
            if self._renewal is not None and not self._renewal.done():
                await asyncio.wait([self._renewal], timeout=CLOSE_S)
                self._renewal.cancel()

    async def token(self) -> str:
        """Return a token that should be good.

        Raises:
            RequestError: nobody consented yet, or it could not be renewed.
        """
        grant = await self._known()
        if grant.expires_at - self._now() > NEARLY:
            return grant.access_token
        return (await self._renewed(grant.access_token)).access_token

    async def instead_of(self, refused: str) -> str | None:
        """Return the token after one that Kommo refused; None when that one was new."""
        if self._new_at is not None and abs(self._now() - self._new_at) < PATIENCE:
            grant = await self._known()
            return None if grant.access_token == refused else grant.access_token
        return (await self._renewed(refused)).access_token

    async def keep(self) -> None:
        """Renew ahead of time; what is wrong is said, and tried again the next time."""
        async with self._database.snapshot() as snapshot:
            grant = await snapshot.grants.get(self._client_id)
        if grant is None:
            self._say(f"nobody has allowed the bridge to use Kommo's REST API yet: {self.remedy}")
            return
        if grant.problem is None and grant.expires_at - self._now() > AHEAD:
            self._mend()
            return
        try:
            await self._renewed(grant.access_token)
        except RejectedError:
            pass  # said already
        except KommoError as error:
            log.warning("access to Kommo's REST API could not be renewed yet: %s", error)

    async def grant(self, account_url: str, code: str) -> None:
        """Take the access that a consent gave.

        Raises:
            RequestError: Kommo no longer knows the code, or did not answer.
        """
        tokens = await self._api.exchange(account_url, code)
        await persist(
            self._database,
            lambda tx: tx.grants.put(self._grant(account_url, tokens, granted_at=self._now())),
        )
        self._mend()
        log.info("access to Kommo's REST API was granted", extra={"account": account_url})

    async def _known(self) -> Grant:
        async with self._database.snapshot() as snapshot:
            grant = await snapshot.grants.get(self._client_id)
        if grant is None:
            raise RejectedError(
                f"there is no access to Kommo's REST API yet: {self.remedy}", status=UNAUTHORIZED
            )
        return grant

    async def _renewed(self, stale: str) -> Grant:
        """Return a grant whose token is another one, renewed by whoever was first."""
        async with self._lock:
            if self._renewal is None or self._renewal.done():
                grant = await self._known()
                if grant.access_token != stale:
                    return grant
                self._renewal = asyncio.create_task(self._renew(stale))
                self._renewal.add_done_callback(_heed)
            return await asyncio.shield(self._renewal)

    async def _renew(self, stale: str) -> Grant:
        """Wait until nobody else renews; then do it, if it is still needed."""
        looks = 0
        while True:
            is_mine = await persist(self._database, self._take)
            grant = await self._known()
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
            problem = _refusal(error, self.remedy)
            await self._release(problem)
            self._say(problem)
            raise RejectedError(problem, status=error.status) from error
        except KommoError:
            await self._release(None)
            raise
        renewed = self._grant(grant.account_url, tokens, granted_at=grant.granted_at)
        await persist(self._database, lambda tx: tx.grants.put(renewed))
        self._new_at = self._now()
        self._mend()
        log.info("access to Kommo's REST API was renewed")
        return renewed

    async def _take(self, tx: Transaction) -> bool:
        now = self._now()
        return await tx.grants.take(self._client_id, by=self._name, now=now, until=now + LEASE)

    async def _release(self, problem: str | None) -> None:
        await persist(
            self._database,
            lambda tx: tx.grants.release(self._client_id, by=self._name, problem=problem),
        )

    def _grant(self, account_url: str, tokens: Tokens, *, granted_at: datetime) -> Grant:
        return Grant(
            client_id=self._client_id,
            account_url=account_url,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_at=tokens.expires_at,
            granted_at=granted_at,
        )

    def _say(self, problem: str) -> None:
        """Say what is wrong: in the log once, to who looks with a link that is still good."""
        if self._health is None:
            return
        if self._health.problem is None:
            log.error("%s", problem)
        self._health.problem = problem

    def _mend(self) -> None:
        if self._health is not None:
            self._health.problem = None


def _refusal(error: RejectedError, remedy: str) -> str:
    """Return why there is no renewal, and what to do."""
    if error.status in LOST:
        return f"access to Kommo's REST API is lost ({error}); {remedy}"
    return f"access to Kommo's REST API cannot be renewed ({error}); it is retried automatically"


def _heed(task: asyncio.Task[Grant]) -> None:
    """Take note of an error that no caller waits for any more; the next one asks again."""
    if not task.cancelled():
        task.exception()
