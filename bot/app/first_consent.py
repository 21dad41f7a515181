"""Before the account is known: the public listener waits for the consent that tells it.

Without `kommo.account_id` the bridge cannot even say whose webhooks it takes; all that it can do
is to serve the end of the consent, and to say which link is to be opened.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from aiohttp import web

from bot.account.access import GrantedAccess
from bot.account.apis import open_access
from bot.account.consent_page import ConsentRoute
from bot.account.resolved import stored_account
from bot.health import ChannelHealth, Health
from bot.http.listeners import Address, admin_application, listen, public_base
from bot.operate.check.public_address import PATH as CHALLENGE_PATH
from bot.operate.check.public_address import ChallengeRoute
from bot.operate.service.systemd import Notifier
from bot.settings import Settings
from kommo.limits import CrmLimits
from storage.database import Database

LOOK_S = 1.0

log = logging.getLogger(__name__)


async def wait_for_consent(settings: Settings, stop: asyncio.Event) -> None:
    """Return when the account can be looked up or need not be, or when `stop` is set."""
    if settings.kommo.account_id or settings.kommo.oauth is None or settings.kommo.access_token:
        return
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            Database.open(settings.location, exclusive=True)
        )
        if await _is_known(settings, database):
            return
        health = Health()
        access = await stack.enter_async_context(
            open_access(settings, database, pace=CrmLimits(), health=health.rest)
        )
        if access is not None:
            await _serve(stack, settings, database, access, health)
            await _wait(settings, database, stop)


async def _serve(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    access: GrantedAccess,
    health: Health,
) -> None:
    """Listen for the end of the consent, and say that it is missing."""
    await access.keep()
    health.channel = ChannelHealth(problem=health.rest.problem, is_refused=True)
    public, kommo = public_base(), settings.kommo
    challenge = ChallengeRoute(kommo.channel_secret.get_secret_value())
    public.router.add_routes([web.get(CHALLENGE_PATH, challenge.handle)])
    if kommo.oauth is not None:
        route = ConsentRoute(access, database, kommo, kommo.oauth, now=lambda: datetime.now(UTC))
        public.router.add_routes(route.routes())

    async def is_alive() -> bool:
        return True

    admin = admin_application(health=health, is_database_alive=is_alive, host=settings.admin.host)
    await stack.enter_async_context(
        listen(admin, Address(settings.admin.host, settings.admin.port))
    )
    await stack.enter_async_context(
        listen(public, Address(settings.listen.host, settings.listen.port))
    )


async def _wait(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    notifier = Notifier()
    notifier.send("READY=1", "STATUS=waiting for an administrator's consent: see the log")
    while not stop.is_set() and not await _is_known(settings, database):
        notifier.send("WATCHDOG=1")
        try:
            async with asyncio.timeout(LOOK_S):
                await stop.wait()
        except TimeoutError:
            continue


async def _is_known(settings: Settings, database: Database) -> bool:
    """Tell whether the account is known, or can be asked for."""
    if await stored_account(settings, database) is not None or settings.kommo.oauth is None:
        return True
    async with database.snapshot() as snapshot:
        return await snapshot.grants.get(settings.kommo.oauth.client_id) is not None
