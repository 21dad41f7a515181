"""The deliveries: a worker for each direction, and what each of them sends with."""

from dataclasses import replace
from functools import partial

from bot.account.connect import Connector
from bot.app.receiving import build_replay
from bot.app.resources import Parts, greeting
from bot.deliver.chances import Chance
from bot.deliver.claimer import Claimer
from bot.deliver.clock_watch import ClockWatch
from bot.deliver.destination import Destination, Gate
from bot.deliver.kommo.avatars import Avatars
from bot.deliver.kommo.contacts import KnownPeople
from bot.deliver.kommo.destination import ToKommo
from bot.deliver.kommo.gate import KommoGate
from bot.deliver.kommo.media import Media
from bot.deliver.kommo.messages import Messages
from bot.deliver.kommo.parked import ParkedUpdates
from bot.deliver.kommo.refusals import Refusals
from bot.deliver.kommo.sent_before import SentBefore
from bot.deliver.kommo.sizes import Sizes
from bot.deliver.kommo.unknown_messages import UnknownMessages
from bot.deliver.poison import Poison
from bot.deliver.recorder import Recorder
from bot.deliver.retries import Retries, Rules
from bot.deliver.schedule import Schedule
from bot.deliver.telegram.addresses import Addresses
from bot.deliver.telegram.clearance import Clearance
from bot.deliver.telegram.destination import ToTelegram
from bot.deliver.telegram.gate import TelegramGate
from bot.deliver.telegram.planner import ClientStyle, Planner
from bot.deliver.telegram.rates import Limits
from bot.deliver.telegram.sender import Sender
from bot.deliver.telegram.sends import Sends
from bot.deliver.telegram.settlement import Settlement
from bot.deliver.worker import Route, Switch, Worker
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


def build_to_kommo(parts: Parts, connector: Connector, clock: ClockWatch) -> Worker:
    """Return the delivery of what clients did."""
    gate = KommoGate(parts.chats)
    route = _build_route(
        parts,
        Direction.INCOMING,
        _build_kommo(parts),
        schedule=Schedule(2 * AT_A_TIME, gate=gate),  # what waits for its place is claimed already
        retries=Retries(Rules(TO_KOMMO, KOMMOS_CHANCE, KOMMOS_POISON), gate=gate),
        gate=gate,
    )
    return Worker(route, clock, Switch(connector.answered, lambda: parts.health.is_paused))


def build_to_telegram(parts: Parts, hold_s: float, clock: ClockWatch) -> Worker:
    """Return the delivery of what managers did."""
    clearance = Clearance(parts.bots, parts.database, parts.journal, hold_s=hold_s)
    sends = Sends(parts.database, parts.journal, clearance)
    limits = Limits(
        parts.settings.telegram.messages_per_s, parts.settings.telegram.chat_messages_per_s
    )
    gate = TelegramGate(parts.bots, parts.database, limits)
    route = _build_route(
        parts,
        Direction.OUTGOING,
        _build_telegram(parts, sends, gate),
        schedule=Schedule(TELEGRAM_CONCURRENCY, TELEGRAM_SHARE, gate=gate),
        retries=Retries(Rules(TO_TELEGRAM, TELEGRAMS_CHANCE, TELEGRAMS_POISON), gate=gate),
        gate=gate,
    )
    return Worker(
        replace(route, unrecorded=sends), clock, Switch(None, lambda: parts.health.is_paused)
    )


def _build_route(
    parts: Parts,
    direction: Direction,
    destination: Destination,
    *,
    schedule: Schedule,
    retries: Retries,
    gate: Gate,
) -> Route:
    """Return one direction's way."""
    recorder = Recorder(
        parts.database,
        direction,
        destination,
        retries,
        redact=parts.redact,
        observe=partial(parts.metrics.observe, direction),
    )
    claimer = Claimer(
        parts.database,
        direction,
        schedule=schedule,
        recorder=recorder,
        retries=retries,
        gate=gate,
    )
    return Route(claimer, destination, recorder, retries)


def _build_kommo(parts: Parts) -> ToKommo:
    unknown = UnknownMessages(parts.chats.standing)
    sent_before = SentBefore(parts.chats, parts.database, parts.kommo_chats)
    return ToKommo(
        parts.chats,
        Messages(
            parts.chats,
            parts.database,
            _build_media(parts),
            sent_before=sent_before,
            unknown=unknown,
        ),
        Refusals(
            parts.chats,
            parts.database,
            sent_before=sent_before,
            unknown=unknown,
            skew_s=lambda: parts.health.clock_skew_s,
        ),
        people=KnownPeople(
            parts.crm,
            parts.chats,
            parts.database,
            parts.kommo_chats,
            region=parts.settings.kommo.phone_region,
        ),
        parked=ParkedUpdates(parts.database, build_replay(parts)),
    )


def _build_media(parts: Parts) -> Media:
    is_cloud = parts.settings.telegram.is_cloud
    return Media(
        parts.links,
        Sizes(parts.files.is_given, parts.probes, is_cloud=is_cloud),
        Avatars(parts.bots, parts.database, parts.links, background=parts.pictures),
    )


def _build_telegram(parts: Parts, sends: Sends, gate: TelegramGate) -> ToTelegram:
    addresses = Addresses(
        parts.database,
        sources={bot.bot_id: bot.source for bot in parts.settings.telegram.bots},
        region=parts.settings.kommo.phone_region,
    )
    return ToTelegram(
        parts.database,
        Planner(parts.database, addresses, parts.bots, _style(parts.settings)),
        Sender(parts.database, sends, parts.uploads, gate),
        addresses=addresses,
        gate=gate,
        settlement=Settlement(parts.lifetimes, parts.settings.kommo.language),
    )


def _style(settings: Settings) -> ClientStyle:
    return ClientStyle(
        buttons=settings.telegram.buttons,
        templates=tuple(_templates(settings)),
        welcome=greeting(settings),
        window=settings.kommo.window,
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
