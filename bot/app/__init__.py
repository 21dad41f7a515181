"""The composition root: builds what the bridge is made of, starts it, stops it. No logic."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.account.connect import Connector
from bot.app.account import open_account
from bot.app.context import open_context
from bot.app.delivering import (
    USUAL_RULES,
    DeliveryRules,
    build_connector,
    build_workers,
)
from bot.app.first_models import build_first_models
from bot.app.operating import build_jobs, build_local, build_watchdog, open_operators
from bot.app.receiving import build_connections, build_history, build_pollers, build_public
from bot.app.telegram import open_journal, open_telegram
from bot.deliver.telegram.stagger import HOLD_S
from bot.deliver.worker import Worker
from bot.http.listeners import Address, listen
from bot.operate.jobs import scheduled
from bot.operate.service.systemd import Notifier
from bot.operate.service.watchdog import Watchdog
from bot.receive.business import Connections, keep_reading
from bot.receive.catch_up.schedule import CatchUpPace, History
from bot.receive.telegram_poll import Poller
from bot.settings import Settings
from storage.heartbeat import Pulse

USUAL_PACE = CatchUpPace()
STOP_S = 8.5
"""How long deliveries in flight may take after SIGTERM; 10 s is what is promised for all."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class App:
    """The bridge's running parts."""

    pollers: tuple[Poller, ...]
    connections: tuple[Connections, ...]
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
            receiving.append(tasks.create_task(keep_reading(self.connections)))
            delivering = [tasks.create_task(worker.run()) for worker in self.workers]
            receiving.append(tasks.create_task(self.watchdog.run()))
            receiving.append(tasks.create_task(build_first_models()))
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


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    redact: Callable[[str], str],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pace: CatchUpPace = USUAL_PACE,
    hold_s: float = HOLD_S,
    rules: DeliveryRules = USUAL_RULES,
) -> AsyncIterator[App]:
    """Build everything the bridge needs; close it in reverse order."""
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(open_context(settings, redact=redact, now=now))
        journal = await stack.enter_async_context(open_journal(context))
        account = await stack.enter_async_context(open_account(context))
        telegram = await stack.enter_async_context(open_telegram(context, journal))
        operators = await stack.enter_async_context(open_operators(context))
        jobs = build_jobs(context, account, telegram, operators)
        await stack.enter_async_context(scheduled(jobs))
        connector = build_connector(context, account, rules)
        pulse = Pulse(context.database, now)
        history = build_history(context, account, connector, pace)
        await history.prepare(await pulse.last())
        connector.on_restored.append(history.catch_up)
        workers = build_workers(context, account, telegram, connector, hold_s=hold_s, rules=rules)
        notifier = Notifier()
        yield App(
            pollers=build_pollers(context, account, telegram, operators.chat),
            connections=build_connections(context, telegram),
            workers=workers,
            connector=connector,
            history=history,
            notifier=notifier,
            watchdog=build_watchdog(context, pulse, notifier, workers),
            admin=await stack.enter_async_context(
                listen(build_local(context), Address(settings.admin.host, settings.admin.port))
            ),
            listening=await stack.enter_async_context(
                listen(build_public(context, account, telegram, history), _public(settings))
            ),
        )


def _public(settings: Settings) -> Address:
    return Address(settings.listen.host, settings.listen.port)
