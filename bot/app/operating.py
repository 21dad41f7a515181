"""What helps the person who runs it: health, status page, watchdog, periodic work."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import metadata

from aiohttp import web

from bot.app.resources import Parts
from bot.deliver.worker import Worker
from bot.http.listeners import admin_application
from bot.operate.dead_items import drop, retry
from bot.operate.jobs import Jobs
from bot.operate.service.systemd import Notifier
from bot.operate.service.watchdog import Watchdog
from bot.operate.status.machine import read_machine
from bot.operate.status.routes import AdminRoutes
from bot.operate.status.state import State, read_state
from storage.database import Database
from storage.errors import StorageError


def build_watchdog(parts: Parts, notifier: Notifier, workers: Sequence[Worker]) -> Watchdog:
    """Return what tells systemd that all of this moves."""
    return Watchdog(
        notifier,
        parts=workers,
        is_database_alive=partial(_takes_writes, parts),
        describe=parts.health.status_line,
    )


def build_local(parts: Parts) -> web.Application:
    """Return what only this machine may reach: health, status page, its buttons, metrics."""

    async def read() -> State:
        return await read_state(parts.database, parts.health, now=parts.now())

    async def show() -> State:
        copies = parts.settings.storage.backup_dir
        return replace(await read(), machine=await read_machine(parts.database, copies))

    async def try_again(names: Sequence[str]) -> int:
        return await retry(parts.database, names, now=parts.now(), lifetimes=parts.lifetimes)

    async def give_up(names: Sequence[str]) -> int:
        return len(await drop(parts.database, names, now=parts.now()))

    admin = AdminRoutes(
        read=read,
        show=show,
        actions={"/retry": try_again, "/drop": give_up},
        metrics=parts.metrics,
        version=metadata.version("kommo-telegram"),
    )
    return admin_application(
        health=parts.health,
        is_database_alive=partial(_is_alive, parts.database),
        host=parts.settings.admin.host,
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


async def _takes_writes(parts: Parts) -> bool:
    """Tell whether the database takes writes, and let health know why not."""
    try:
        await parts.pulse.beat()
    except StorageError as error:
        parts.health.database_problem = str(error)
        return False
    parts.health.database_problem = None
    return True


def build_jobs(parts: Parts) -> Jobs:
    """Return the periodic work."""
    bots, webhook = tuple(parts.bots.values()), parts.alert_webhook
    posts = [webhook.alert] if webhook else []
    ends = [webhook.tell_ends] if webhook else []
    return Jobs(
        parts.database,
        parts.settings.storage,
        alerts=(partial(parts.desk.alert, bots), *posts),
        ends=(partial(parts.desk.tell_ends, bots), *ends),
        renew=parts.access.keep if parts.access else _nothing,
        now=parts.now,
    )


async def _nothing() -> None:
    """Do nothing: there is no access to be renewed."""
