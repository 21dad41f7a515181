"""The composition root: builds what the bridge is made of, starts it, stops it. No logic."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import metadata

import aiohttp
import httpx
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiohttp import web

from bot.deliver.avatars import Avatars
from bot.deliver.fetch import Fetcher, guarded_session, place_of
from bot.deliver.known_people import KnownPeople
from bot.deliver.rates import Limits
from bot.deliver.to_kommo import ToKommo
from bot.deliver.to_telegram import ToTelegram
from bot.deliver.typing import Typist
from bot.deliver.uploads import Uploads
from bot.deliver.worker import Worker
from bot.forgotten import ForgottenFiles
from bot.health import BotHealth, Health
from bot.items import Lifetimes
from bot.jobs import Jobs, scheduled
from bot.links import MediaLinks
from bot.media import PATH as MEDIA_PATH
from bot.media import MediaRoute
from bot.operate.access import GrantedAccess
from bot.operate.admin import AdminRoutes
from bot.operate.challenge import PATH as CHALLENGE_PATH
from bot.operate.challenge import ChallengeRoute
from bot.operate.clock import skew_s
from bot.operate.connect import Connector
from bot.operate.consent_page import ConsentRoute
from bot.operate.desk import Desk
from bot.operate.failed import retry
from bot.operate.forget import media_links
from bot.operate.kommo import NoRestAccessError, open_access, open_crm, with_account
from bot.operate.metrics import Metrics
from bot.operate.state import State, read_state
from bot.operate.systemd import Notifier
from bot.operate.watchdog import Watchdog
from bot.outcome import RetryPolicy
from bot.pulse import Pulse
from bot.receive.history import History, Pace
from bot.receive.kommo import PATH, Hooks
from bot.receive.people import PeopleSettings
from bot.receive.recovery import Owner, Recovery
from bot.receive.telegram import Intake, IntakeSettings, Poller
from bot.server import Address, admin_application, listen, public_application
from bot.settings import BotSettings, Settings
from bot.telegram_files import CHUNK_BYTES, TelegramFiles, download_socket
from bot.translate.templates import TelegramTemplate
from bot.translate.welcome import Welcome, welcome
from kommo.chats import ChatsApi
from kommo.crm import CrmApi, CrmPace
from kommo.ids import AmojoId, ChannelId, KommoUserId, SourceId, scope_id
from storage.database import Database
from storage.errors import StorageError

KOMMO_CONCURRENCY = 10
"""So many requests at a time towards the Chats API, whatever they are about."""

TELEGRAM_SHARE = 32
"""So many deliveries of one lane may be under way; a session has 100 connections."""

TELEGRAM_CONCURRENCY = 1024
DOWNLOADS = 100
"""Each takes about half a megabyte; more wait for their turn."""

USUAL_PACE = Pace()
TO_KOMMO = RetryPolicy(first_s=1.0, factor=2.0, longest_s=300.0, jitter=0.25)
TO_TELEGRAM = RetryPolicy(first_s=1.0, factor=2.0, longest_s=60.0, jitter=0.25)
KOMMO_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=None)
STOP_S = 5.0
"""How long deliveries under way may take after SIGTERM; 10 s is what is promised for all."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class App:
    """The bridge's running parts."""

    pollers: tuple[Poller, ...]
    workers: tuple[Worker, ...]
    connector: Connector
    history: History
    notifier: Notifier
    watchdog: Watchdog
    listening: Address
    admin: Address

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; a part that fails stops all of them with its error."""
        async with asyncio.TaskGroup() as tasks:
            receiving = [tasks.create_task(poller.run()) for poller in self.pollers]
            receiving.append(tasks.create_task(self.connector.run()))
            receiving.append(tasks.create_task(self.history.run()))
            delivering = [tasks.create_task(worker.run()) for worker in self.workers]
            receiving.append(tasks.create_task(self.watchdog.run()))
            log.info("running", extra={"listen": self.listening.port, "admin": self.admin.port})
            await stop.wait()
            self.notifier.send("STOPPING=1")
            log.info("stopping")
            for task in receiving:
                task.cancel()
            for worker in self.workers:
                worker.stop()
            _done, late = await asyncio.wait(delivering, timeout=STOP_S)
            for task in late:
                task.cancel()


@dataclass(frozen=True)
class _Parts:
    """What the builders below share."""

    settings: Settings
    database: Database
    chats: ChatsApi
    crm: CrmApi | None
    access: GrantedAccess | None
    bots: Mapping[int, Bot]
    files: TelegramFiles
    uploads: Uploads
    typist: Typist
    links: MediaLinks
    lifetimes: Lifetimes
    health: Health
    metrics: Metrics
    desk: Desk
    pulse: Pulse
    now: Callable[[], datetime]
    redact: Callable[[str], str]


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    redact: Callable[[str], str],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pace: Pace = USUAL_PACE,
) -> AsyncIterator[App]:
    """Build everything the bridge needs; close it in reverse order."""
    async with AsyncExitStack() as stack:
        parts = await _open_parts(stack, settings, redact=redact, now=now)
        await parts.desk.load()
        jobs = Jobs(
            parts.database,
            settings.storage,
            alert=partial(parts.desk.alert, tuple(parts.bots.values())),
            renew=parts.access.keep if parts.access else _nothing,
            now=now,
        )
        await stack.enter_async_context(scheduled(jobs))
        connector = _build_connector(parts)
        history = _build_history(parts, connector, pace)
        await history.prepare(await parts.pulse.last())
        admin, public = _build_applications(parts, history)
        workers = (_build_to_kommo(parts, connector), _build_to_telegram(parts))
        notifier = Notifier()
        yield App(
            pollers=tuple(_build_poller(parts, entry) for entry in settings.telegram.bots),
            workers=workers,
            connector=connector,
            history=history,
            notifier=notifier,
            watchdog=_build_watchdog(parts, notifier, workers),
            admin=await stack.enter_async_context(
                listen(admin, Address(settings.admin.host, settings.admin.port))
            ),
            listening=await stack.enter_async_context(
                listen(public, Address(settings.listen.host, settings.listen.port))
            ),
        )


async def _open_parts(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    redact: Callable[[str], str],
    now: Callable[[], datetime],
) -> _Parts:
    """Open what owns a resource: the database, the HTTP pool, the bots' sessions."""
    database = await stack.enter_async_context(Database.open(settings.database, exclusive=True))
    async with database.transaction() as tx:
        interrupted = await tx.inbox.recover(now=now()) + await tx.outbox.recover(now=now())
    if interrupted:
        log.warning("deliveries were interrupted by the last stop", extra={"items": interrupted})
    health, pace = _build_health(settings), CrmPace()
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
            limits=httpx.Limits(
                max_connections=KOMMO_CONCURRENCY, max_keepalive_connections=KOMMO_CONCURRENCY
            ),
            event_hooks={"response": [compare_clocks]},
        )
    )
    bots = {entry.bot_id: _build_bot(settings, entry) for entry in settings.telegram.bots}
    stack.push_async_callback(_close_bots, list(bots.values()))
    return _Parts(
        settings=settings,
        database=database,
        chats=_build_chats(settings, http, now),
        crm=await _open_crm(stack, settings, database, access, pace),
        access=access,
        bots=bots,
        files=TelegramFiles(bots, await stack.enter_async_context(_build_downloads())),
        typist=await stack.enter_async_context(Typist(bots, now=now)),
        uploads=_build_uploads(
            settings, await stack.enter_async_context(guarded_session(_chats_place(settings)))
        ),
        links=media_links(settings, now=now),
        lifetimes=_lifetimes(settings),
        health=health,
        metrics=Metrics(),
        desk=Desk(
            database,
            settings.operators.chat_ids,
            health,
            _lifetimes(settings),
            now,
        ),
        pulse=Pulse(database, now),
        now=now,
        redact=redact,
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
    settings: Settings, http: httpx.AsyncClient, now: Callable[[], datetime]
) -> ChatsApi:
    channel_id = ChannelId(settings.kommo.channel_id)
    return ChatsApi(
        http,
        channel_id=channel_id,
        scope_id=scope_id(channel_id, AmojoId(settings.kommo.account_id or "")),
        secret=settings.kommo.channel_secret.get_secret_value(),
        now=now,
        status_field=settings.kommo.status_field,
    )


def _build_bot(settings: Settings, entry: BotSettings) -> Bot:
    """Return a bot with a session of its own, so that no bot's requests wait for another's."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(settings.telegram.api_url))
    return Bot(entry.token.get_secret_value(), session=session)


def _build_watchdog(parts: _Parts, notifier: Notifier, workers: Sequence[Worker]) -> Watchdog:
    return Watchdog(
        notifier,
        parts=workers,
        is_database_alive=partial(_takes_writes, parts),
        describe=parts.health.summary,
    )


def _build_connector(parts: _Parts) -> Connector:
    kommo = parts.settings.kommo
    return Connector(
        parts.chats,
        AmojoId(kommo.account_id or ""),
        kommo.title,
        is_time_window_disabled=kommo.time_window is False,
        is_wanted=kommo.connect_on_start,
        health=parts.health.channel,
        policy=TO_KOMMO,
    )


def _build_history(parts: _Parts, connector: Connector, pace: Pace) -> History:
    kommo = parts.settings.kommo
    recover = timedelta(hours=parts.settings.delivery.recover_h)
    recovery = Recovery(
        parts.database,
        parts.chats.history,
        parts.chats.create_chat,
        owner=Owner(
            account_id=AmojoId(kommo.account_id or ""),
            channel_bot_id=KommoUserId(kommo.channel_bot_id) if kommo.channel_bot_id else None,
            language=kommo.language,
        ),
        recover=recover,
        grace=timedelta(seconds=pace.grace_s),
        lifetimes=parts.lifetimes,
        now=parts.now,
    )
    return History(
        parts.database,
        recovery,
        recover=recover,
        pace=pace,
        starts_after=connector.answered,
        now=parts.now,
    )


def _build_health(settings: Settings) -> Health:
    return Health(
        bots={
            entry.bot_id: BotHealth(entry.bot_id, name=entry.name, source=entry.source)
            for entry in settings.telegram.bots
        }
    )


def _build_admin(parts: _Parts) -> AdminRoutes:
    """Return the status page, its button, and the metrics."""

    async def read() -> State:
        return await read_state(parts.database, parts.health, now=parts.now())

    async def try_again(names: Sequence[str]) -> int:
        return await retry(parts.database, names, now=parts.now(), lifetimes=parts.lifetimes)

    return AdminRoutes(
        read=read,
        retry=try_again,
        metrics=parts.metrics,
        host=parts.settings.admin.host,
        version=metadata.version("kommo-telegram"),
    )


def _build_applications(
    parts: _Parts, history: History
) -> tuple[web.Application, web.Application]:
    """Return the local and the public HTTP application."""
    kommo = parts.settings.kommo
    hooks = Hooks(
        parts.database,
        scope_id=scope_id(ChannelId(kommo.channel_id), AmojoId(kommo.account_id or "")),
        secret=kommo.channel_secret.get_secret_value(),
        lifetimes=parts.lifetimes,
        on_typing=parts.typist.show,
        hold_until=history.hold_until,
        on_missed=history.note_missed,
        now=parts.now,
    )
    challenge = ChallengeRoute(kommo.channel_secret.get_secret_value())
    return (
        admin_application(
            health=parts.health,
            is_database_alive=lambda: _is_alive(parts.database),
            routes=_build_admin(parts).routes(),
        ),
        public_application(
            hooks=hooks.handle,
            hooks_path=PATH,
            media=MediaRoute(
                parts.links, parts.files, ForgottenFiles(parts.database, parts.links)
            ).handle,
            media_path=MEDIA_PATH,
            routes=[web.get(CHALLENGE_PATH, challenge.handle), *_consent_routes(parts)],
        ),
    )


def _consent_routes(parts: _Parts) -> list[web.RouteDef]:
    """Return where a consent ends, if the settings want one."""
    kommo = parts.settings.kommo
    if parts.access is None or kommo.oauth is None:
        return []
    route = ConsentRoute(parts.access, parts.database, kommo, kommo.oauth, now=parts.now)
    return route.routes()


async def _nothing() -> None:
    """Do nothing."""


def _build_poller(parts: _Parts, entry: BotSettings) -> Poller:
    intake = Intake(
        entry.bot_id,
        IntakeSettings(
            source_id=SourceId(entry.source) if entry.source else None,
            media_url=parts.links.of_bot(entry.bot_id),
            infer_read=parts.settings.telegram.infer_read,
            language=parts.settings.kommo.language,
            lifetimes=parts.lifetimes,
            people=_people(parts),
        ),
        now=parts.now,
    )
    health = parts.health.bots[entry.bot_id]
    return Poller(parts.bots[entry.bot_id], intake, parts.database, health, parts.desk)


def _people(parts: _Parts) -> PeopleSettings:
    greeting = _welcome(parts.settings)
    return PeopleSettings(
        can_link=parts.crm is not None,
        has_welcome=greeting is not None,
        asks_phone=greeting is not None and greeting.button is not None,
        language=parts.settings.kommo.language,
    )


def _welcome(settings: Settings) -> Welcome | None:
    return welcome(settings.texts.welcome, settings.texts.ask_phone, settings.kommo.language)


def _build_to_kommo(parts: _Parts, connector: Connector) -> Worker:
    return Worker(
        parts.database,
        "outbox",
        ToKommo(
            parts.chats,
            parts.database,
            links=parts.links,
            files=parts.files,
            avatars=Avatars(parts.bots, parts.database, parts.links, now=parts.now),
            people=KnownPeople(
                parts.crm,
                parts.chats,
                parts.database,
                region=parts.settings.kommo.phone_region,
                now=parts.now,
            ),
            now=parts.now,
            skew_s=lambda: parts.health.clock_skew_s,
        ),
        policy=TO_KOMMO,
        concurrency=KOMMO_CONCURRENCY,
        now=parts.now,
        redact=parts.redact,
        starts_after=connector.answered,
        observe=partial(parts.metrics.observe, "incoming"),
        is_paused=lambda: parts.health.is_paused,
    )


def _build_to_telegram(parts: _Parts) -> Worker:
    return Worker(
        parts.database,
        "inbox",
        ToTelegram(
            parts.bots,
            parts.database,
            parts.uploads,
            buttons=parts.settings.telegram.buttons,
            templates=_templates(parts.settings),
            language=parts.settings.kommo.language,
            lifetimes=parts.lifetimes,
            welcome=_welcome(parts.settings),
            limits=Limits(
                parts.settings.telegram.messages_per_s,
                parts.settings.telegram.chat_messages_per_s,
            ),
            region=parts.settings.kommo.phone_region,
            window=parts.settings.kommo.window,
            now=parts.now,
        ),
        policy=TO_TELEGRAM,
        concurrency=TELEGRAM_CONCURRENCY,
        share=TELEGRAM_SHARE,
        now=parts.now,
        redact=parts.redact,
        observe=partial(parts.metrics.observe, "outgoing"),
        is_paused=lambda: parts.health.is_paused,
    )


def _templates(settings: Settings) -> list[TelegramTemplate]:
    return [
        TelegramTemplate(
            external_id=entry.external_id,
            kommo_id=str(entry.id) if entry.id is not None else None,
            html=entry.html,
            picture=entry.picture,
        )
        for entry in settings.templates
    ]


async def _close_bots(bots: Sequence[Bot]) -> None:
    """Close the bots' sessions side by side: each takes a quarter of a second, and may be 100."""
    await asyncio.gather(*(bot.session.close() for bot in bots))


async def _is_alive(database: Database) -> bool:
    """Tell whether the database answers."""
    try:
        async with database.snapshot() as snapshot:
            await snapshot.outbox.next_due_at()
    except StorageError:
        return False
    return True


async def _takes_writes(parts: _Parts) -> bool:
    """Tell whether the database takes writes, and let health know why not."""
    try:
        await parts.pulse.beat()
    except StorageError as error:
        parts.health.database_problem = str(error)
        return False
    parts.health.database_problem = None
    return True
