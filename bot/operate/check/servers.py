"""The checks of the real servers: each bot, the account, the channel. They only read."""

from collections.abc import AsyncIterator
from dataclasses import replace

from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)

from bot.account.apis import chats_api
from bot.account.resolved import account_of
from bot.account.sources import WIDGET_REMEDY, plan
from bot.errors import BridgeError
from bot.http.clients import http_client
from bot.http.telegram_session import TelegramSession
from bot.operate.check.channel import standing
from bot.operate.check.connection_errors import in_words, why
from bot.operate.check.database import ExpiredError, Kept, NoConsentError, open_looking
from bot.operate.check.findings import Finding, doubt, failure, well
from bot.settings import BotSettings, Settings
from kommo.crm import CrmApi
from kommo.errors import KommoError, RejectedError
from kommo.exchange import OverHttpx
from kommo.ids import ScopeId

TIMEOUT_S = 10
FORBIDDEN = 403
REST = "REST access"
LATER = "the service can take the consent once Kommo support has answered and it runs"
WAITING = (
    "when the answer is there, put channel_id and channel_secret into the settings, or run "
    "`kommo-telegram init` again; it takes 1 to 3 working days, and the service starts only then"
)


async def probe(
    settings: Settings, found: Kept, missing: tuple[str, ...]
) -> AsyncIterator[Finding]:
    """Ask every server that the bridge talks to.

    Args:
        settings: with stand-ins for what is missing.
        found: what the database says.
        missing: what Kommo support has not told yet.
    """
    for entry in settings.telegram.bots:
        yield await _bot(settings, entry)
    told: str | None = None
    async for finding, account_id in _rest(settings, found, is_waiting=bool(missing)):
        told = account_id or told
        yield finding
    if missing:
        text = f"waiting for Kommo support: {' and '.join(missing)} not set yet"
        yield doubt("channel", text, WAITING)
        return
    known = settings.kommo.account_id or found.account_id or told
    if known is None:
        return  # said already: nothing tells the account
    if told is None or told == known:
        scope = account_of(settings.kommo, known).scope_id
        yield await _channel(settings, scope, is_account_sure=told is not None)
    yield well("statuses", _statuses(settings, found))


async def _rest(
    settings: Settings, found: Kept, *, is_waiting: bool
) -> AsyncIterator[tuple[Finding, str | None]]:
    """Ask the REST API, where the settings give access to it: messages cross without."""
    kommo = settings.kommo
    if kommo.oauth is None and (kommo.access_token is None or kommo.rest_url is None):
        yield well(REST, "not set up; sources, templates and contacts need it"), None
        return
    name = REST
    known = kommo.account_id or found.account_id
    try:
        async with open_looking(settings, found) as crm:
            told = await crm.account_id()
            if known and told != known:
                remedy = f"set kommo.account_id to {told}, or take the token of the right account"
                yield failure(name, f"it belongs to another account, {told}", remedy), told
                return
            granted = "granted by consent" if kommo.access_token is None else "works"
            yield well(name, granted), told
            name = "sources"
            async for finding in _sources(settings, crm):
                yield finding, None
    except ExpiredError as error:
        remedy = "the running service renews it: start it, and check again"
        yield doubt(name, str(error), remedy), None
    except NoConsentError as error:
        told_by = LATER if is_waiting else "see docs/getting-started.md"
        yield (doubt if is_waiting else failure)(name, str(error), told_by), None
    except RejectedError as error:
        is_widget = name == "sources" and error.status == FORBIDDEN
        remedy = WIDGET_REMEDY if is_widget else "see docs/getting-started.md"
        yield failure(name, str(error), remedy), None
    except (BridgeError, KommoError) as error:
        what, remedy = why(error)
        text = f"{error}: {what}" if what else str(error)
        general = "messages cross without it; the rest is retried automatically"
        yield failure(name, text, remedy or general), None
    if known is None and name == REST:
        say = doubt if is_waiting else failure
        yield say("account", "it is not known yet", "see above, or set kommo.account_id"), None


async def _sources(settings: Settings, crm: CrmApi) -> AsyncIterator[Finding]:
    if not any(bot.source for bot in settings.telegram.bots):
        return
    todo = plan(settings.telegram.bots, await crm.sources(), settings.kommo.channel_code)
    differing = [str(row.get("external_id")) for row in (*todo.create, *todo.update)]
    if differing:
        text = f"missing in Kommo, or not as in the settings: {', '.join(differing)}"
        yield failure("sources", text, "run: kommo-telegram sources sync")
        return
    yield well("sources", "every bot's source is in Kommo")


async def _bot(settings: Settings, entry: BotSettings) -> Finding:
    name = f"bot {entry.bot_id}"
    session = TelegramSession(settings.telegram.api_url, settings.routes)
    async with Bot(entry.token.get_secret_value(), session=session).context() as bot:
        try:
            me = await bot.get_me(request_timeout=TIMEOUT_S)
            webhook = await bot.get_webhook_info(request_timeout=TIMEOUT_S)
        except (TelegramUnauthorizedError, TelegramNotFound):
            remedy = "make a new one with @BotFather"
            return failure(name, "Telegram does not accept the token", remedy)
        except (TelegramAPIError, AiogramError, OSError) as error:
            text = f"Telegram did not answer ({in_words(error)})"
            return failure(name, text, why(error)[1] or "check telegram.api_url and the network")
    if webhook.url:
        text = "a webhook is set, so nothing can be polled"
        remedy = "`run` removes it; stop the program that set it, or it comes back"
        return failure(name, text, remedy)
    count = webhook.pending_update_count
    return well(
        name, f"@{me.username}, {count} {'update waits' if count == 1 else 'updates wait'}"
    )


async def _channel(settings: Settings, scope: ScopeId, *, is_account_sure: bool) -> Finding:
    channel = ScopeId(settings.kommo.channel_id)  # the bare channel in the place of a scope
    async with http_client(
        settings.routes, base_url=settings.kommo.chats_url, timeout=TIMEOUT_S
    ) as http:
        found = await standing(
            chats_api(OverHttpx(http), settings.kommo, scope),
            chats_api(OverHttpx(http), settings.kommo, channel),
            is_account_sure=is_account_sure,
        )
    if found.state == "warning" and not settings.kommo.connect_on_start:
        remedy = "run: kommo-telegram connect (kommo.connect_on_start is false)"
        return replace(found, state="failed", remedy=remedy)
    return found


def _statuses(settings: Settings, found: Kept) -> str:
    """Return under which name the account takes delivery statuses."""
    if settings.kommo.status_field != "auto":
        return f"told as {settings.kommo.status_field!r} (kommo.status_field)"
    if found.status_field is None:
        return "detected with the first one (kommo.status_field is auto)"
    told = f"Kommo takes them as {found.status_field!r}"
    return f"{told}, detected (kommo.status_field is auto)"
