"""The deliveries: a worker for each direction, and what each of them sends with."""

from functools import partial

from bot.account.connect import Connector
from bot.app.receiving import build_replay
from bot.app.resources import Parts, greeting
from bot.deliver.chances import Chance
from bot.deliver.kommo.avatars import Avatars
from bot.deliver.kommo.contacts import KnownPeople
from bot.deliver.kommo.destination import ToKommo
from bot.deliver.kommo.sizes import Sizes
from bot.deliver.poison import Poison
from bot.deliver.telegram.destination import ToTelegram
from bot.deliver.telegram.rates import Limits
from bot.deliver.telegram.sender import Sends
from bot.deliver.worker import Worker
from bot.queue.outcomes import RetryPolicy
from bot.settings import Settings
from bot.translate.outgoing.templates import TelegramTemplate
from kommo.ids import AmojoId
from kommo.limits import AT_A_TIME
from storage.patience import persist
from storage.queue.direction import Direction

TELEGRAM_SHARE = 32
"""So many deliveries of one lane may be under way; a session has 100 connections."""

TELEGRAM_CONCURRENCY = 1024
TO_KOMMO = RetryPolicy(first_s=1.0, factor=2.0, longest_s=300.0, jitter=0.25)
KOMMOS_POISON = Poison(failures=8, over_s=900.0)
TELEGRAMS_POISON = Poison(failures=6, over_s=300.0)
KOMMOS_CHANCE = Chance(tries=5, tried_s=600.0)
TELEGRAMS_CHANCE = Chance()
TO_TELEGRAM = RetryPolicy(first_s=1.0, factor=2.0, longest_s=60.0, jitter=0.25)


def build_connector(parts: Parts) -> Connector:
    """Return what connects the channel to the account."""
    kommo = parts.settings.kommo
    return Connector(
        parts.chats,
        AmojoId(kommo.account_id or ""),
        kommo.title,
        is_time_window_disabled=kommo.time_window is False,
        is_wanted=kommo.connect_on_start,
        health=parts.health.channel,
        policy=TO_KOMMO,
        on_restored=[partial(_go_on, parts)],
    )


async def _go_on(parts: Parts, _out_s: float) -> None:
    """Try at once what waited for a channel that was cut off."""
    await persist(parts.database, lambda tx: tx.to_kommo.hasten_tried(now=parts.now()))


def build_to_kommo(parts: Parts, connector: Connector) -> Worker:
    """Return the delivery of what clients did."""
    return Worker(
        parts.database,
        Direction.INCOMING,
        ToKommo(
            parts.chats,
            parts.database,
            links=parts.links,
            sizes=Sizes(
                parts.files.is_given,
                parts.probes,
                is_cloud=parts.settings.telegram.is_cloud,
            ),
            avatars=Avatars(
                parts.bots,
                parts.database,
                parts.links,
                background=parts.pictures,
                now=parts.now,
            ),
            people=KnownPeople(
                parts.crm,
                parts.chats,
                parts.database,
                parts.kommo_chats,
                region=parts.settings.kommo.phone_region,
                now=parts.now,
            ),
            kommo_chats=parts.kommo_chats,
            replay=build_replay(parts),
            now=parts.now,
            skew_s=lambda: parts.health.clock_skew_s,
        ),
        policy=TO_KOMMO,
        concurrency=2 * AT_A_TIME,  # what waits for its place is claimed already
        now=parts.now,
        redact=parts.redact,
        starts_after=connector.answered,
        chance=KOMMOS_CHANCE,
        poison=KOMMOS_POISON,
        observe=partial(parts.metrics.observe, Direction.INCOMING),
        is_paused=lambda: parts.health.is_paused,
    )


def build_to_telegram(parts: Parts, hold_s: float) -> Worker:
    """Return the delivery of what managers did."""
    sends = Sends(parts.bots, parts.database, parts.journal, hold_s=hold_s)
    return Worker(
        parts.database,
        Direction.OUTGOING,
        ToTelegram(
            parts.bots,
            parts.database,
            parts.uploads,
            sources={bot.bot_id: bot.source for bot in parts.settings.telegram.bots},
            buttons=parts.settings.telegram.buttons,
            templates=_templates(parts.settings),
            language=parts.settings.kommo.language,
            lifetimes=parts.lifetimes,
            welcome=greeting(parts.settings),
            limits=Limits(
                parts.settings.telegram.messages_per_s,
                parts.settings.telegram.chat_messages_per_s,
            ),
            region=parts.settings.kommo.phone_region,
            window=parts.settings.kommo.window,
            sends=sends,
            now=parts.now,
        ),
        policy=TO_TELEGRAM,
        concurrency=TELEGRAM_CONCURRENCY,
        share=TELEGRAM_SHARE,
        now=parts.now,
        redact=parts.redact,
        observe=partial(parts.metrics.observe, Direction.OUTGOING),
        is_paused=lambda: parts.health.is_paused,
        sending=sends,
        chance=TELEGRAMS_CHANCE,
        poison=TELEGRAMS_POISON,
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
