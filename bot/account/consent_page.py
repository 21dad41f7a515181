"""`GET /oauth/kommo`: where Kommo sends the browser of who consented. Reference: Kommo, OAuth 2.0.

Nothing of the code is logged or shown; the answer is a page for a person.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from html import escape

from aiohttp import web

from bot.account.access import GrantedAccess
from bot.account.consent import account_url, end_of
from bot.settings.kommo_tables import KommoSettings, OAuthSettings
from kommo.errors import KommoError, RejectedError
from storage.database import Database
from storage.patience import persist

PATH = "/oauth/kommo"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address holds the code
    "X-Content-Type-Options": "nosniff",
}
AGAIN = "Get a new link with: kommo-telegram check"

Page = tuple[int, str, str]
"""Status, title, and what to do."""

DENIED: Page = (
    403,
    "Kommo gave no access",
    "Somebody pressed the wrong button, or is no administrator of the account. Messages go on "
    "without it; open the link again to allow it.",
)
UNKNOWN: Page = (403, "This link is not from this bridge", f"Nothing was changed. {AGAIN}")
EXPIRED: Page = (410, "This link is too old", AGAIN)
USED: Page = (
    410,
    "This link was used already",
    f"Whether it worked: kommo-telegram check. {AGAIN}",
)
ELSEWHERE: Page = (
    403,
    "This is another account",
    "The access was allowed in another account than the one in the bridge's settings. Log in to "
    f"the right one, or correct kommo.subdomain. {AGAIN}",
)
REFUSED: Page = (
    502,
    "Kommo does not accept the code",
    "It may be too old, or kommo.oauth.client_secret or kommo.oauth.redirect_uri is not what the "
    f"integration's Keys tab says. {AGAIN}",
)
SILENT: Page = (502, "Kommo did not answer", f"Try again in a minute. {AGAIN}")
GRANTED: Page = (
    200,
    "The bridge has access now",
    "You can close this window. To check that everything works: kommo-telegram check",
)

log = logging.getLogger(__name__)


class ConsentRoute:
    """Completes the consent."""

    def __init__(
        self,
        access: GrantedAccess,
        database: Database,
        kommo: KommoSettings,
        oauth: OAuthSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._access = access
        self._database = database
        self._kommo = kommo
        self._secret = oauth.client_secret.get_secret_value()
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """Return the route; a HEAD, as link previews send, must not use the code up."""
        return [web.get(PATH, self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer the browser."""
        status, title, text = await self._complete(request)
        if status != GRANTED[0]:
            log.warning("the consent was not completed: %s", title)
        return web.Response(
            text=_html(title, text), status=status, content_type="text/html", headers=HEADERS
        )

    async def _complete(self, request: web.Request) -> Page:
        state, code = request.query.get("state", ""), request.query.get("code", "")
        ends_at = end_of(state, self._secret)
        if ends_at is None:
            return UNKNOWN
        now = self._now()
        if ends_at <= now:
            return EXPIRED
        if request.query.get("error") or not code:
            return DENIED
        address = account_url(self._kommo, request.query.get("referer", ""))
        if address is None:
            return ELSEWHERE
        is_first = await persist(
            self._database, lambda tx: tx.grants.use_consent(state, now=now, expires_at=ends_at)
        )
        return await self._take(address, code) if is_first else USED

    async def _take(self, address: str, code: str) -> Page:
        try:
            await self._access.grant(address, code)
        except RejectedError as error:
            log.error("Kommo gave no tokens for a consent: %s", error)
            return REFUSED
        except KommoError as error:
            log.error("Kommo gave no tokens for a consent: %s", error)
            return SILENT
        return GRANTED


def _html(title: str, text: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><h1>{escape(title)}</h1><p>{escape(text)}</p></html>\n"
    )
