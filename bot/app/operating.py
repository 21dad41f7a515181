"""Build what operates the bridge: health, status page, watchdog, periodic jobs."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata

from aiohttp import web

from bot.app.account import KOMMO_TIMEOUT, Account
from bot.app.context import Context
from bot.app.telegram import TelegramSide
from bot.background import Background
from bot.deliver.worker import Worker
from bot.http.clients import http_client
from bot.http.listeners import admin_application
from bot.operate.dead_items import Dropping, retry
from bot.operate.jobs import Jobs
from bot.operate.operators.actions import Actions
from bot.operate.operators.chat import PRESSES, OperatorChat
from bot.operate.operators.chat_alerts import ChatAlerts, look
from bot.operate.operators.known_chats import OperatorsChats
from bot.operate.operators.messenger import Messenger
from bot.operate.operators.orders import Orders
from bot.operate.operators.pause import is_paused
from bot.operate.operators.teller import Look
from bot.operate.operators.webhook import AlertWebhook
from bot.operate.service.systemd import Notifier
from bot.operate.service.watchdog import Watchdog
from bot.operate.status.machine import read_machine
from bot.operate.status.routes import AdminRoutes
from bot.operate.status.state import State, read_state
from storage.database import Database
from storage.errors import StorageError
from storage.heartbeat import Pulse


@dataclass(frozen=True)
class Operators:
    """The ways to the people who operate the bridge.

    Args:
        webhook: posts alerts; None when the settings name no address.
    """

    chat: OperatorChat
    alerts: ChatAlerts
    webhook: AlertWebhook | None


@asynccontextmanager
async def open_operators(context: Context) -> AsyncIterator[Operators]:
    """Open the operators' chat and the alerts' webhook."""
    async with AsyncExitStack() as stack:
        chats = await _load(context)
        messenger = Messenger(context.database, chats)
        copies = context.settings.storage.backup_dir
        actions = Actions(
            context.database, context.health, chats, context.now, _dropping(context), copies=copies
        )
        looking = partial(look, context.database, context.health, copies=copies, now=context.now)
        yield Operators(
            OperatorChat(
                messenger,
                actions,
                await stack.enter_async_context(Orders()),
                await stack.enter_async_context(Background(PRESSES)),
            ),
            ChatAlerts(messenger, looking, context.now),
            await _open_webhook(stack, context, looking),
        )


async def _load(context: Context) -> OperatorsChats:
    """Remember a pause, and where the operators' chats went, from before the start."""
    operators = context.settings.operators
    chats = OperatorsChats(operators.chat_ids, operators.topic_id)
    async with context.database.snapshot() as snapshot:
        context.health.is_paused = await is_paused(snapshot)
        await chats.load(snapshot.facts)
    return chats


async def _open_webhook(
    stack: AsyncExitStack, context: Context, looking: Look
) -> AlertWebhook | None:
    url = context.settings.operators.webhook_url
    if url is None:
        return None
    http = await stack.enter_async_context(
        http_client(context.settings.routes, timeout=KOMMO_TIMEOUT)
    )
    return AlertWebhook(
        url,
        http,
        look=looking,
        now=context.now,
        redact=context.redact,
        bridge=context.settings.public_url,
    )


def build_watchdog(
    context: Context, pulse: Pulse, notifier: Notifier, workers: Sequence[Worker]
) -> Watchdog:
    """Return what tells systemd that all of this moves."""
    return Watchdog(
        notifier,
        parts=workers,
        is_database_alive=partial(_takes_writes, context, pulse),
        describe=context.health.status_line,
    )


def _dropping(context: Context) -> Dropping:
    return Dropping(context.lifetimes, context.settings.kommo.language)


def build_local(context: Context) -> web.Application:
    """Return what only this machine may reach: health, status page, its buttons, metrics."""

    async def read() -> State:
        return await read_state(context.database, context.health, now=context.now())

    async def show() -> State:
        copies = context.settings.storage.backup_dir
        return replace(await read(), machine=await read_machine(context.database, copies))

    async def try_again(names: Sequence[str]) -> int:
        return len(await retry(context.database, names, lifetimes=context.lifetimes))

    dropping = _dropping(context)

    async def give_up(names: Sequence[str]) -> int:
        return len(await dropping.drop(context.database, names))

    admin = AdminRoutes(
        read=read,
        show=show,
        actions={"/retry": try_again, "/drop": give_up},
        metrics=context.metrics,
        version=metadata.version("kommo-telegram"),
    )
    return admin_application(
        health=context.health,
        is_database_alive=partial(_is_alive, context.database),
        host=context.settings.admin.host,
        routes=admin.routes(),
    )


async def _is_alive(database: Database) -> bool:
    """Tell whether the database answers."""
    try:
        async with database.snapshot() as snapshot:
            await snapshot.to_kommo.next_due_at()
    except StorageError:
        return False
    return True


async def _takes_writes(context: Context, pulse: Pulse) -> bool:
    """Tell whether the database takes writes, and let health know why not."""
    try:
        await pulse.beat()
    except StorageError as error:
        context.health.database_problem = str(error)
        return False
    context.health.database_problem = None
    return True


def build_jobs(
    context: Context, account: Account, telegram: TelegramSide, operators: Operators
) -> Jobs:
    """Return the periodic work."""
    bots, webhook = tuple(telegram.bots.values()), operators.webhook
    posts = [webhook.alert] if webhook else []
    ends = [webhook.tell_ends] if webhook else []
    return Jobs(
        context.database,
        context.settings.storage,
        alerts=(partial(operators.alerts.alert, bots), *posts),
        ends=(partial(operators.alerts.tell_ends, bots), *ends),
        renew=account.access.keep if account.access else _nothing,
        health=context.health,
        now=context.now,
    )


async def _nothing() -> None:
    """Do nothing: there is no access to be renewed."""
