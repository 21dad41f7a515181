"""Kommo's two APIs: the one place where each is made, and how commands open them."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from bot.account.access import REMEDY, GrantedAccess
from bot.account.consent import consent_url
from bot.account.existing import has_database
from bot.errors import BridgeError
from bot.health import RestHealth
from bot.http.clients import CONNECTIONS, http_client
from bot.http.kommo_wire import KommoWire
from bot.settings import KommoSettings, Settings
from kommo.chats import ChatsApi, Identity
from kommo.crm import PAUSES_S, Access, CrmApi, LongLivedToken
from kommo.exchange import Wire
from kommo.ids import ChannelId, ScopeId
from kommo.limits import CrmLimits
from kommo.oauth import Integration, OAuthApi
from kommo.status_names import StatusNames
from storage.database import Database

TIMEOUT_S = 20

NO_ACCESS = (
    "this needs Kommo's REST API: set kommo.access_token (a long-lived token from the "
    "integration's Keys tab) or [kommo.oauth], and kommo.subdomain"
)


class NoRestAccessError(BridgeError):
    """The settings give no access to Kommo's REST API."""


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_access(
    settings: Settings,
    database: Database,
    *,
    pace: CrmLimits,
    health: RestHealth | None,
    now: Callable[[], datetime] = _now,
) -> AsyncIterator[GrantedAccess | None]:
    """Return the access that a consent grants; None where the settings want none.

    A long-lived token comes first.
    """
    kommo, oauth = settings.kommo, settings.kommo.oauth
    if oauth is None or kommo.access_token is not None:
        yield None
        return
    integration = Integration(
        oauth.client_id, oauth.client_secret.get_secret_value(), oauth.redirect_uri
    )
    async with http_client(settings.routes, timeout=TIMEOUT_S) as http:
        access = GrantedAccess(
            database,
            OAuthApi(http, integration, pace=pace, now=now),
            oauth.client_id,
            link=lambda: consent_url(kommo, oauth, now=now(), random=secrets.token_bytes),
            health=health,
            now=now,
        )
        async with access.closing():
            yield access


@asynccontextmanager
async def open_crm(
    settings: Settings,
    database: Database | None,
    *,
    access: GrantedAccess | None = None,
    pace: CrmLimits | None = None,
    pauses_s: Sequence[float] = (),
) -> AsyncIterator[CrmApi]:
    """Return the REST API of the settings' account.

    Args:
        settings: say where it is, and what opens it.
        database: keeps what a consent granted; None when there is no database yet.
        access: of this process, where there is one already.
        pace: of this process, where there is one already.
        pauses_s: before each further attempt, where others ask as well.

    Raises:
        NoRestAccessError: the settings do not say where it is, or nothing opens it.
    """
    pace = pace or CrmLimits()
    async with AsyncExitStack() as stack:
        url, opened = settings.kommo.rest_url, access or _long_lived(settings)
        if database is not None:
            url = url or await _granted_url(settings, database)
            opened = opened or await stack.enter_async_context(
                open_access(settings, database, pace=pace, health=None)
            )
        if opened is None or url is None:
            raise NoRestAccessError(no_access(settings))
        yield await stack.enter_async_context(
            crm_at(settings, url, opened, pace=pace, pauses_s=pauses_s)
        )


@asynccontextmanager
async def crm_at(
    settings: Settings, url: str, access: Access, *, pace: CrmLimits, pauses_s: Sequence[float]
) -> AsyncIterator[CrmApi]:
    """Return the REST API at an address, opened by an access."""
    async with http_client(settings.routes, base_url=url, timeout=TIMEOUT_S) as http:
        yield CrmApi(http, access=access, pace=pace, now=_now, pauses_s=pauses_s)


@asynccontextmanager
async def open_rest(settings: Settings) -> AsyncIterator[CrmApi]:
    """Return the REST API for a command, which makes no database.

    Raises:
        NoRestAccessError: as `open_crm`.
    """
    async with AsyncExitStack() as stack:
        database = None
        if settings.kommo.access_token is None and has_database(settings):
            database = await stack.enter_async_context(Database.open(settings.location))
        yield await stack.enter_async_context(open_crm(settings, database, pauses_s=PAUSES_S))


def no_access(settings: Settings) -> str:
    """Return why there is no access, and what to do."""
    kommo = settings.kommo
    if kommo.oauth is None:
        return NO_ACCESS
    return f"there is no access to Kommo's REST API yet: {REMEDY} {consent_link(kommo)}"


def consent_link(kommo: KommoSettings) -> str:
    """Return a new link to the consent; an empty text where the settings want none."""
    if kommo.oauth is None:
        return ""
    return consent_url(kommo, kommo.oauth, now=_now(), random=secrets.token_bytes)


def _long_lived(settings: Settings) -> Access | None:
    token = settings.kommo.access_token
    return LongLivedToken(token.get_secret_value()) if token else None


async def _granted_url(settings: Settings, database: Database) -> str | None:
    """Return the address of the account that consented."""
    if settings.kommo.oauth is None:
        return None
    async with database.snapshot() as snapshot:
        grant = await snapshot.grants.get(settings.kommo.oauth.client_id)
    return grant.account_url if grant else None


@asynccontextmanager
async def open_chats(settings: Settings, scope: ScopeId) -> AsyncIterator[ChatsApi]:
    """Return the Chats API in a scope, for a command."""
    url = settings.kommo.chats_url
    async with KommoWire(url, routes=settings.routes, connections=CONNECTIONS) as wire:
        yield chats_api(wire, settings.kommo, scope)


def chats_api(
    wire: Wire,
    kommo: KommoSettings,
    scope: ScopeId,
    *,
    now: Callable[[], datetime] = _now,
    status_names: StatusNames | None = None,
) -> ChatsApi:
    """Return the Chats API of the settings' channel in a scope."""
    identity = Identity(
        ChannelId(kommo.channel_id), scope, kommo.channel_secret.get_secret_value()
    )
    return ChatsApi(wire, identity, now=now, status_names=status_names)
