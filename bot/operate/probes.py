"""What `check` asks the real servers: each bot, and the channel."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)

from bot.certificates import certificates
from bot.errors import BridgeError
from bot.operate.connect import OUTAGE, REMEDY
from bot.operate.existing import is_there
from bot.operate.kommo import naming_account, open_rest
from bot.operate.sources import WIDGET_REMEDY, plan
from bot.operate.statuses import remembered_name
from bot.settings import BotSettings, Settings
from bot.telegram_session import TelegramSession
from kommo.chats import ChatsApi
from kommo.crm import CrmApi
from kommo.errors import KommoError, RejectedError
from kommo.ids import AmojoId, ChannelId, KommoChatId, scope_id
from storage.database import Database

TIMEOUT_S = 10
FORBIDDEN, NOT_FOUND = 403, 404
NO_CHAT = KommoChatId("00000000-0000-4000-8000-000000000000")
"""Nobody's: asking for its history changes nothing."""

Probe = tuple[str, str, str]
"""What was asked; its problem, or nothing; its answer, or the remedy."""


async def probe(settings: Settings) -> AsyncIterator[Probe]:
    """Ask every server that the bridge talks to."""
    for entry in settings.telegram.bots:
        yield await _bot(settings, entry)
    try:
        settings = await naming_account(settings)
    except (BridgeError, KommoError) as error:
        yield "account", str(error), "or set kommo.account_id"
        return
    yield await _channel(settings)
    yield "statuses", "", await _statuses(settings)
    async for found in _rest(settings):
        yield found


async def _rest(settings: Settings) -> AsyncIterator[Probe]:
    """Ask the REST API, where the settings give access to it: messages cross without."""
    kommo = settings.kommo
    if kommo.oauth is None and (kommo.access_token is None or kommo.rest_url is None):
        yield "REST access", "", "not set up; sources, templates and contacts need it"
        return
    name = "REST access"
    try:
        async with open_rest(settings) as crm:
            account_id = await crm.account_id()
            if account_id != kommo.account_id:
                yield name, f"it opens another account, {account_id}", "mend kommo.account_id"
                return
            yield name, "", "granted by consent" if kommo.access_token is None else "works"
            name = "sources"
            async for found in _sources(settings, crm):
                yield found
    except RejectedError as error:
        is_widget = name == "sources" and error.status == FORBIDDEN
        remedy = WIDGET_REMEDY if is_widget else "see docs/setup.md"
        yield name, str(error), remedy
    except (BridgeError, KommoError) as error:
        yield name, str(error), "messages cross without it; the rest is tried again by itself"


async def _sources(settings: Settings, crm: CrmApi) -> AsyncIterator[Probe]:
    if not any(bot.source for bot in settings.telegram.bots):
        return
    todo = plan(settings.telegram.bots, await crm.sources(), settings.kommo.channel_code)
    differing = [str(row.get("external_id")) for row in (*todo.create, *todo.update)]
    if differing:
        text = f"missing in Kommo, or not as in the settings: {', '.join(differing)}"
        yield "sources", text, "run: kommo-telegram sources sync"
        return
    yield "sources", "", "every bot's source is in Kommo"


async def _bot(settings: Settings, entry: BotSettings) -> Probe:
    name = f"bot {entry.bot_id}"
    session = TelegramSession(settings.telegram.api_url)
    async with Bot(entry.token.get_secret_value(), session=session).context() as bot:
        try:
            me = await bot.get_me(request_timeout=TIMEOUT_S)
            webhook = await bot.get_webhook_info(request_timeout=TIMEOUT_S)
        except (TelegramUnauthorizedError, TelegramNotFound):
            return name, "Telegram does not accept the token", "make a new one with @BotFather"
        except (TelegramAPIError, AiogramError, OSError) as error:
            text = f"Telegram did not answer ({type(error).__name__})"
            return name, text, "check telegram.api_url and the network"
    if webhook.url:
        text = "a webhook is set, so nothing can be polled"
        return name, text, "`run` removes it; stop the program that set it, or it comes back"
    return name, "", f"@{me.username}, {webhook.pending_update_count} updates wait"


async def _channel(settings: Settings) -> Probe:
    kommo = settings.kommo
    channel_id, account_id = ChannelId(kommo.channel_id), AmojoId(kommo.account_id or "")
    async with httpx.AsyncClient(
        base_url=kommo.chats_url, timeout=TIMEOUT_S, verify=certificates()
    ) as http:
        chats = ChatsApi(
            http,
            channel_id=channel_id,
            scope_id=scope_id(channel_id, account_id),
            secret=kommo.channel_secret.get_secret_value(),
            now=lambda: datetime.now(UTC),
        )
        try:
            return "channel", "", await _asked(chats, settings)
        except RejectedError as error:
            return "channel", str(error), REMEDY
        except KommoError as error:
            return "channel", str(error), OUTAGE


async def _statuses(settings: Settings) -> str:
    """Return under which name the account takes delivery statuses."""
    if settings.kommo.status_field != "auto":
        return f"told as {settings.kommo.status_field!r} (kommo.status_field)"
    name = None
    if is_there(settings.database):
        async with Database.open(settings.database) as database:
            name = await remembered_name(settings, database)
    if name is None:
        return "their name is found out with the first one (kommo.status_field is auto)"
    return f"Kommo takes them as {name!r}, as was found out (kommo.status_field is auto)"


async def _asked(chats: ChatsApi, settings: Settings) -> str:
    """Return how the channel is; it is connected only where the settings want the bridge to."""
    kommo = settings.kommo
    if kommo.connect_on_start:
        connection = await chats.connect(
            AmojoId(kommo.account_id or ""),
            kommo.title,
            is_time_window_disabled=kommo.time_window is False,
        )
        return f"connected as {connection.title!r}"
    try:
        await chats.history(NO_CHAT, limit=1)
    except RejectedError as error:
        if error.status != NOT_FOUND:
            raise
    return "Kommo takes our calls; connecting is left to others (kommo.connect_on_start)"
