"""The context that all parts share: settings, database, clock, health, redaction."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from bot.health import BotHealth, Health
from bot.media.links import MediaLinks
from bot.operate.check.network import log_ways
from bot.operate.forget import media_links
from bot.operate.status.metrics import Metrics
from bot.queue.items import Lifetimes
from bot.settings import Settings
from bot.translate.outgoing.welcome import Welcome, welcome
from storage.database import Database


@dataclass(frozen=True)
class Context:
    """What the builders share; each takes beside it the one or two sides that it needs."""

    settings: Settings
    database: Database
    health: Health
    now: Callable[[], datetime]
    redact: Callable[[str], str]
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def lifetimes(self) -> Lifetimes:
        """Return how long items are tried."""
        return self.settings.delivery.lifetimes

    @property
    def links(self) -> MediaLinks:
        """Return what makes media links."""
        return media_links(self.settings, now=self.now)

    @property
    def welcome(self) -> Welcome | None:
        """Return what new clients read first, if the settings say anything."""
        texts = self.settings.texts
        return welcome(texts.welcome, texts.ask_phone, self.settings.kommo.language)


@asynccontextmanager
async def open_context(
    settings: Settings, *, redact: Callable[[str], str], now: Callable[[], datetime]
) -> AsyncIterator[Context]:
    """Open the database, which only one instance may run on."""
    async with Database.open(settings.location, exclusive=True, now=now) as database:
        log_ways(settings)
        yield Context(settings, database, _health(settings, now()), now, redact)


def _health(settings: Settings, started_at: datetime) -> Health:
    bots = {
        entry.bot_id: BotHealth(entry.bot_id, name=entry.name, source=entry.source)
        for entry in settings.telegram.bots
    }
    return Health(started_at=started_at, bots=bots)
