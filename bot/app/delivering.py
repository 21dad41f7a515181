"""The deliveries: a worker for each direction, and what each of them sends with."""

from dataclasses import dataclass, replace
from functools import partial

from bot.account.connect import Connector
from bot.app.account import Account
from bot.app.context import Context
from bot.app.receiving import build_replay
from bot.app.telegram import TelegramSide
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
from bot.deliver.telegram.destination import Listeners, ToTelegram
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
from kommo.limits import AT_A_TIME
from storage.patience import persist
from storage.queue.direction import Direction

TELEGRAM_SHARE = 32
"""So many deliveries of one lane may be in flight; a session has 100 connections."""

TELEGRAM_CONCURRENCY = 1024


@dataclass(frozen=True)
class DeliveryRules:
    """How items of either direction are retried; connecting the channel has Kommo's pauses."""

    to_kommo: Rules
    to_telegram: Rules


USUAL_RULES = DeliveryRules(
    to_kommo=Rules(
        RetryPolicy(first_s=1.0, factor=2.0, longest_s=300.0, jitter=0.25),
        Chance(tries=5, tried_s=600.0),
        Poison(failures=8, over_s=900.0),
    ),
    to_telegram=Rules(
        RetryPolicy(first_s=1.0, factor=2.0, longest_s=60.0, jitter=0.25),
        Chance(),
        Poison(failures=6, over_s=300.0),
    ),
)


def build_connector(context: Context, account: Account, rules: DeliveryRules) -> Connector:
    """Return what connects the channel to the account."""
    kommo = context.settings.kommo
    return Connector(
        account.chats,
        account.id,
        kommo.title,
        is_time_window_disabled=kommo.time_window is False,
        is_wanted=kommo.connect_on_start,
        health=context.health.channel,
        policy=rules.to_kommo.policy,
        on_restored=[partial(_go_on, context)],
    )


async def _go_on(context: Context, _out_s: float) -> None:
    """Try at once what waited for a channel that was cut off."""
    await persist(context.database, lambda tx: tx.to_kommo.hasten_tried(now=tx.now))


def build_workers(
    context: Context,
    account: Account,
    telegram: TelegramSide,
    connector: Connector,
    *,
    hold_s: float,
    rules: DeliveryRules,
) -> tuple[Worker, Worker]:
    """Return the deliveries of both directions; they share one look at the clock."""
    clock = ClockWatch(context.database)
    kommo = build_kommo(context, account, telegram)
    to_kommo = _to_kommo(context, account, kommo, rules.to_kommo)
    to_telegram = _to_telegram(context, telegram, hold_s, rules.to_telegram)

    def is_paused() -> bool:
        return context.health.is_paused

    return (
        Worker(to_kommo, clock, Switch(connector.answered, is_paused)),
        Worker(to_telegram, clock, Switch(None, is_paused)),
    )


def _to_kommo(context: Context, account: Account, destination: ToKommo, rules: Rules) -> Route:
    """Return the way of what clients did."""
    gate = KommoGate(account.chats)
    return _route(
        context,
        Direction.INCOMING,
        destination,
        schedule=Schedule(2 * AT_A_TIME, gate=gate),  # what waits for its place is claimed already
        retries=Retries(rules, gate=gate),
        gate=gate,
    )


def _to_telegram(context: Context, telegram: TelegramSide, hold_s: float, rules: Rules) -> Route:
    """Return the way of what managers did."""
    settings, database = context.settings.telegram, context.database
    limits = Limits(settings.messages_per_s, settings.chat_messages_per_s)
    gate = TelegramGate(telegram.bots, database, limits)
    clearance = Clearance(telegram.bots, database, telegram.journal, hold_s=hold_s)
    sends = Sends(database, telegram.journal, clearance)
    route = _route(
        context,
        Direction.OUTGOING,
        build_telegram(context, telegram, sends, gate),
        schedule=Schedule(TELEGRAM_CONCURRENCY, TELEGRAM_SHARE, gate=gate),
        retries=Retries(rules, gate=gate),
        gate=gate,
    )
    return replace(route, unrecorded=sends)


def _route(
    context: Context,
    direction: Direction,
    destination: Destination,
    *,
    schedule: Schedule,
    retries: Retries,
    gate: Gate,
) -> Route:
    """Return one direction's way."""
    recorder = Recorder(
        context.database,
        direction,
        destination,
        retries,
        redact=context.redact,
        observe=partial(context.metrics.observe, direction),
    )
    claimer = Claimer(
        context.database,
        direction,
        schedule=schedule,
        recorder=recorder,
        retries=retries,
        gate=gate,
    )
    return Route(claimer, destination, recorder, retries)


def build_kommo(context: Context, account: Account, telegram: TelegramSide) -> ToKommo:
    """Return Kommo as a destination."""
    chats, database = account.chats, context.database
    unknown = UnknownMessages(chats.standing)
    before = SentBefore(chats, database, account.kommo_chats)
    media = _build_media(context, telegram)
    return ToKommo(
        chats,
        Messages(chats, database, media, sent_before=before, unknown=unknown),
        Refusals(
            chats,
            database,
            sent_before=before,
            unknown=unknown,
            skew_s=lambda: context.health.clock_skew_s,
        ),
        people=KnownPeople(
            account.crm,
            chats,
            database,
            account.kommo_chats,
            region=context.settings.kommo.phone_region,
        ),
        parked=ParkedUpdates(database, build_replay(context, account)),
    )


def _build_media(context: Context, telegram: TelegramSide) -> Media:
    links, is_cloud = context.links, context.settings.telegram.is_cloud
    return Media(
        links,
        Sizes(telegram.files.is_given, telegram.probes, is_cloud=is_cloud),
        Avatars(telegram.bots, context.database, links, background=telegram.pictures),
    )


def build_telegram(
    context: Context, telegram: TelegramSide, sends: Sends, gate: TelegramGate
) -> ToTelegram:
    """Return Telegram as a destination."""
    settings, database = context.settings, context.database
    addresses = Addresses(
        database,
        sources={bot.bot_id: bot.source for bot in settings.telegram.bots},
        region=settings.kommo.phone_region,
    )
    return ToTelegram(
        database,
        Planner(database, addresses, telegram.bots, _style(context)),
        Sender(database, sends, telegram.uploads, gate),
        addresses=addresses,
        gate=gate,
        settlement=Settlement(context.lifetimes, settings.kommo.language),
        listeners=Listeners(telegram.reader.answered, telegram.doubts.refused),
    )


def _style(context: Context) -> ClientStyle:
    settings = context.settings
    return ClientStyle(
        buttons=settings.telegram.buttons,
        templates=tuple(_templates(settings)),
        welcome=context.welcome,
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
