"""Access to the REST API that an administrator granted, for as many callers as there are.

Reference: Kommo, OAuth 2.0. One renewal is made at a time, by a lock for this process and a lease
for others (`renewal`), and a caller that is cancelled does not cancel it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from bot.account.renewal import KeptGrant, Report
from bot.health import RestHealth
from kommo.errors import KommoError, RejectedError
from kommo.oauth import OAuthApi
from storage.database import Database
from storage.grants import Grant

NEARLY = timedelta(minutes=1)
"""A token that expires sooner is renewed before it is used."""

AHEAD = timedelta(hours=6)
"""The scheduler renews a token that expires sooner: of the 24 hours of its life, the last."""

PATIENCE = timedelta(minutes=10)
"""A token younger than this that is refused is not the reason: another would be refused too."""

REMEDY = (
    "an administrator of the account has to allow it: while the bridge runs, open this link "
    "(valid for a day; `kommo-telegram check` makes a new one):"
)

CLOSE_S = 4.0

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
        self._link = link
        self._now = now
        self._report = Report(health)
        self._kept = KeptGrant(
            database, api, client_id, remedy=lambda: self.remedy, report=self._report, now=now
        )
        self._lock = asyncio.Lock()
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
        grant = await self._kept.known()
        if grant.expires_at - self._now() > NEARLY:
            return grant.access_token
        return (await self._renewed(grant.access_token)).access_token

    async def instead_of(self, refused: str) -> str | None:
        """Return the token after one that Kommo refused; None when that one was new."""
        renewed_at = self._kept.renewed_at
        if renewed_at is not None and abs(self._now() - renewed_at) < PATIENCE:
            grant = await self._kept.known()
            return None if grant.access_token == refused else grant.access_token
        return (await self._renewed(refused)).access_token

    async def keep(self) -> None:
        """Renew ahead of time; a failure is logged, and the next round tries again."""
        grant = await self._kept.find()
        if grant is None:
            problem = f"nobody has allowed the bridge to use Kommo's REST API yet: {self.remedy}"
            self._report.problem(problem)
            return
        if grant.problem is None and grant.expires_at - self._now() > AHEAD:
            self._report.well()
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
        await self._kept.take(account_url, code)
        log.info("access to Kommo's REST API was granted", extra={"account": account_url})

    async def _renewed(self, stale: str) -> Grant:
        """Return a grant whose token is another one, renewed by whoever was first."""
        async with self._lock:
            if self._renewal is None or self._renewal.done():
                grant = await self._kept.known()
                if grant.access_token != stale:
                    return grant
                self._renewal = asyncio.create_task(self._kept.renew(stale))
                self._renewal.add_done_callback(_heed)
            return await asyncio.shield(self._renewal)


def _heed(task: asyncio.Task[Grant]) -> None:
    """Note an error that no caller is waiting for; the next caller asks again."""
    if not task.cancelled():
        task.exception()
