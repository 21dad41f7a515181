"""What owns a resource: the database, the HTTP pools, the bots' sessions; opened, and closed."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import httpx
from aiogram import Bot

from bot.account.access import GrantedAccess
from bot.account.apis import NoRestAccessError, open_access, open_crm, with_account
from bot.account.statuses import status_names
from bot.background import Background
from bot.conversations.kommo_chats import KommoChats
from bot.deliver.telegram.fetch import Fetcher, guarded_session, place_of
from bot.deliver.telegram.interrupted import boot_id, recover
from bot.deliver.telegram.journal import Journal
from bot.deliver.telegram.typing import Typist
from bot.deliver.telegram.uploads import Uploads
from bot.health import BotHealth, Health
from bot.http.kommo_transport import transport
from bot.http.telegram_session import TelegramSession
from bot.http.tls import certificates
from bot.media.links import MediaLinks
from bot.media.telegram_files import CHUNK_BYTES, TelegramFiles, download_socket
from bot.operate.check.clock import skew_s
from bot.operate.forget import media_links
from bot.operate.operators.chat import PRESSES, Desk
from bot.operate.operators.orders import Orders
from bot.operate.operators.webhook import AlertWebhook
from bot.operate.status.metrics import Metrics
from bot.queue.items import Lifetimes
from bot.settings import BotSettings, Settings
from bot.translate.outgoing.welcome import Welcome, welcome
from kommo.chats import ChatsApi
from kommo.crm import CrmApi, CrmPace
from kommo.ids import AmojoId, ChannelId, scope_id
from kommo.limits import AT_A_TIME, HISTORIES_AT_A_TIME
from kommo.status_names import StatusNames
from storage.database import Database
from storage.heartbeat import Pulse

CALLS = AT_A_TIME + HISTORIES_AT_A_TIME
"""Connections to Kommo's Chats API: one for each call that may be under way."""

DOWNLOADS = 100
"""Each takes about half a megabyte; more wait for their turn."""

PROBES = 32
"""Of so many big files a bot's server is asked at a time, beside the messages."""

PICTURES = 8
"""So many clients' profile pictures are asked for at a time."""

KOMMO_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=None)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the builders share."""

    settings: Settings
    database: Database
    chats: ChatsApi
    kommo_chats: KommoChats
    crm: CrmApi | None
    access: GrantedAccess | None
    bots: Mapping[int, Bot]
    files: TelegramFiles
    probes: Background
    pictures: Background
    uploads: Uploads
    typist: Typist
    links: MediaLinks
    lifetimes: Lifetimes
    health: Health
    metrics: Metrics
    desk: Desk
    alert_webhook: AlertWebhook | None
    pulse: Pulse
    journal: Journal
    now: Callable[[], datetime]
    redact: Callable[[str], str]


async def open_parts(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    redact: Callable[[str], str],
    now: Callable[[], datetime],
) -> Parts:
    """Open what owns a resource: the database, the HTTP pool, the bots' sessions."""
    database = await stack.enter_async_context(
        Database.open(settings.database, exclusive=True, now=now)
    )
    journal = await stack.enter_async_context(
        Journal.open(database.path.with_name(f"{database.path.name}-sends"))
    )
    interrupted = await recover(database, journal, boot_id=boot_id(), now=now())
    if interrupted:
        log.warning("deliveries were interrupted by the last stop", extra={"items": interrupted})
    health, pace = _build_health(settings, now()), CrmPace()
    access = await stack.enter_async_context(
        open_access(settings, database, pace=pace, health=health.rest, now=now)
    )
    settings = await with_account(settings, database, access=access, pace=pace)

    async def compare_clocks(response: httpx.Response) -> None:
        health.clock_skew_s = skew_s(response.headers.get("Date"), now())

    http = await stack.enter_async_context(
        httpx.AsyncClient(
            base_url=settings.kommo.chats_url,
            timeout=KOMMO_TIMEOUT,
            limits=httpx.Limits(max_connections=CALLS, max_keepalive_connections=CALLS),
            transport=transport(settings.kommo.chats_url, CALLS),
            event_hooks={"response": [compare_clocks]},
        )
    )
    bots = {entry.bot_id: _build_bot(settings, entry) for entry in settings.telegram.bots}
    stack.push_async_callback(_close_bots, list(bots.values()))
    desk = Desk(
        database,
        settings.operators.chat_ids,
        health,
        _lifetimes(settings),
        now,
        orders=await stack.enter_async_context(Orders()),
        presses=await stack.enter_async_context(Background(PRESSES)),
    )
    chats = _build_chats(settings, http, now, await status_names(settings, database))
    return Parts(
        settings=settings,
        database=database,
        chats=chats,
        kommo_chats=KommoChats(database, chats.create_chat, now=now),
        crm=await _open_crm(stack, settings, database, access, pace),
        access=access,
        bots=bots,
        files=TelegramFiles(bots, await stack.enter_async_context(_build_downloads())),
        probes=await stack.enter_async_context(Background(PROBES)),
        pictures=await stack.enter_async_context(Background(PICTURES)),
        typist=await stack.enter_async_context(Typist(bots, now=now)),
        uploads=_build_uploads(
            settings, await stack.enter_async_context(guarded_session(_chats_place(settings)))
        ),
        links=media_links(settings, now=now),
        lifetimes=_lifetimes(settings),
        health=health,
        metrics=Metrics(),
        desk=desk,
        alert_webhook=await _open_alert_webhook(stack, settings, desk, now=now, redact=redact),
        journal=journal,
        pulse=Pulse(database, now),
        now=now,
        redact=redact,
    )


async def _open_alert_webhook(
    stack: AsyncExitStack,
    settings: Settings,
    desk: Desk,
    *,
    now: Callable[[], datetime],
    redact: Callable[[str], str],
) -> AlertWebhook | None:
    """Return what posts alerts; None when the settings name no address."""
    url = settings.operators.webhook_url
    if url is None:
        return None
    http = await stack.enter_async_context(httpx.AsyncClient(verify=certificates()))
    return AlertWebhook(
        url, http, look=desk.look, now=now, redact=redact, bridge=settings.public_url
    )


async def _open_crm(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    access: GrantedAccess | None,
    pace: CrmPace,
) -> CrmApi | None:
    """Return the REST API; None when the settings give no access to it."""
    try:
        return await stack.enter_async_context(
            open_crm(settings, database, access=access, pace=pace)
        )
    except NoRestAccessError:
        return None


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        to_kommo=timedelta(hours=settings.delivery.kommo_give_up_h),
        to_telegram=timedelta(minutes=settings.delivery.telegram_give_up_min),
    )


def _build_downloads() -> aiohttp.ClientSession:
    """Return the pool for files; a download beyond its size waits for its turn."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=DOWNLOADS, socket_factory=download_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=CHUNK_BYTES // 2,
    )


def _chats_place(settings: Settings) -> tuple[str, int]:
    return place_of(settings.kommo.chats_url)


def _build_uploads(settings: Settings, session: aiohttp.ClientSession) -> Uploads:
    """Return what fetches managers' files; they lie beside the database, which is on a disk."""
    return Uploads(Fetcher(session, _chats_place(settings)), settings.database.parent)


def _build_chats(
    settings: Settings,
    http: httpx.AsyncClient,
    now: Callable[[], datetime],
    names: StatusNames,
) -> ChatsApi:
    channel_id = ChannelId(settings.kommo.channel_id)
    return ChatsApi(
        http,
        channel_id=channel_id,
        scope_id=scope_id(channel_id, AmojoId(settings.kommo.account_id or "")),
        secret=settings.kommo.channel_secret.get_secret_value(),
        now=now,
        status_names=names,
    )


def _build_bot(settings: Settings, entry: BotSettings) -> Bot:
    """Return a bot with a session of its own, so that no bot's requests wait for another's."""
    session = TelegramSession(settings.telegram.api_url)
    return Bot(entry.token.get_secret_value(), session=session)


def _build_health(settings: Settings, started_at: datetime) -> Health:
    return Health(
        started_at=started_at,
        bots={
            entry.bot_id: BotHealth(entry.bot_id, name=entry.name, source=entry.source)
            for entry in settings.telegram.bots
        },
    )


async def _close_bots(bots: Sequence[Bot]) -> None:
    """Close the bots' sessions side by side: there may be 100, each with connections."""
    await asyncio.gather(*(bot.session.close() for bot in bots))


def greeting(settings: Settings) -> Welcome | None:
    """Return what new clients read first, if the settings say anything."""
    return welcome(settings.texts.welcome, settings.texts.ask_phone, settings.kommo.language)
