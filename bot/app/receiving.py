"""The receivers: a poll for each bot, the webhook, what is read back; and the public listener."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from aiohttp import web

from bot.account.connect import Connector
from bot.account.consent_page import ConsentRoute
from bot.app.account import Account
from bot.app.context import Context
from bot.app.telegram import TelegramSide
from bot.http.listeners import public_application
from bot.media.export_files import ExportFiles
from bot.media.revoked import ForgottenFiles
from bot.media.route import PATH as MEDIA_PATH
from bot.media.route import MediaRoute
from bot.operate.check.public_address import PATH as CHALLENGE_PATH
from bot.operate.check.public_address import ChallengeRoute
from bot.operate.operators.chat import OperatorChat
from bot.receive.business import Connections
from bot.receive.catch_up.conversation import Recovery, Terms
from bot.receive.catch_up.knowledge import Knowledge
from bot.receive.catch_up.pages import Pages
from bot.receive.catch_up.schedule import CatchUpPace, History
from bot.receive.catch_up.storing import MissedMessages, Owner
from bot.receive.client_messages import IntakeSettings
from bot.receive.kommo_events import Events
from bot.receive.kommo_webhook import PATH, Webhooks
from bot.receive.new_clients import PeopleSettings
from bot.receive.telegram_poll import Poller
from bot.receive.telegram_updates import Intake
from bot.settings import BotSettings
from bot.translate.company import Company, channel_bot
from bot.translate.files import file_address
from bot.translate.incoming.updates import UnreadableError
from kommo.ids import KommoUserId, SourceId
from storage.database import Transaction


def build_pollers(
    context: Context, account: Account, telegram: TelegramSide, operators: OperatorChat
) -> tuple[Poller, ...]:
    """Return what fetches and stores the updates of each bot."""
    return tuple(
        Poller(
            telegram.bots[entry.bot_id],
            _build_intake(context, account, entry),
            context.database,
            health=context.health.bots[entry.bot_id],
            operators=operators,
            connections=Connections(telegram.bots[entry.bot_id], context.database),
            stored=telegram.reader.arrived,
        )
        for entry in context.settings.telegram.bots
    )


def build_replay(
    context: Context, account: Account
) -> Callable[[Transaction, int, Mapping[str, Any]], Awaitable[None]]:
    """Return what stores an update that was parked, once it can be read."""
    intakes = {
        entry.bot_id: _build_intake(context, account, entry)
        for entry in context.settings.telegram.bots
    }

    async def replay(tx: Transaction, bot_id: int, update: Mapping[str, Any]) -> None:
        if bot_id not in intakes:
            raise UnreadableError("the settings do not name its bot")
        await intakes[bot_id].replay(tx, update)

    return replay


def _build_intake(context: Context, account: Account, entry: BotSettings) -> Intake:
    """Return what stores the updates of one bot."""
    return Intake(
        entry.bot_id,
        IntakeSettings(
            source_id=SourceId(entry.source) if entry.source else None,
            media_url=partial(file_address, entry.bot_id),
            infer_read=context.settings.telegram.infer_read,
            language=context.settings.kommo.language,
            lifetimes=context.lifetimes,
            company=_company(context, entry),
            messages_per_min=context.settings.telegram.client_messages_per_min,
            people=_people(context, account),
        ),
    )


def build_connections(context: Context, telegram: TelegramSide) -> tuple[Connections, ...]:
    """Return what reads the bots' business connections again."""
    return tuple(Connections(bot, context.database) for bot in telegram.bots.values())


def _company(context: Context, entry: BotSettings) -> Company:
    """Return in whose name an owner's words are shown."""
    kommo = context.settings.kommo
    return Company(
        bot=channel_bot(entry.bot_id, entry.name or kommo.title, kommo.channel_bot_id, None),
        users={one: KommoUserId(user) for one, user in context.settings.imports.managers.items()},
    )


def _people(context: Context, account: Account) -> PeopleSettings:
    welcome = context.welcome
    return PeopleSettings(
        can_link=account.crm is not None,
        has_welcome=welcome is not None,
        asks_phone=welcome is not None and welcome.button is not None,
        language=context.settings.kommo.language,
    )


def build_history(
    context: Context, account: Account, connector: Connector, pace: CatchUpPace
) -> History:
    """Return what reads back answers that no webhook brought."""
    kommo = context.settings.kommo
    recover = timedelta(hours=context.settings.delivery.recover_h)
    bot = KommoUserId(kommo.channel_bot_id) if kommo.channel_bot_id else None
    recovery = Recovery(
        context.database,
        Pages(account.chats.history_behind, calls_per_s=pace.calls_per_s),
        account.kommo_chats,
        Knowledge(context.database, now=context.now),
        MissedMessages(Owner(account.id, kommo.language), context.lifetimes),
        terms=Terms(
            recover=recover,
            grace=timedelta(seconds=pace.grace_s),
            channel_bot_id=bot,
            now=context.now,
            ahead_s=lambda: context.health.clock_skew_s,
        ),
    )
    return History(
        context.database,
        recovery,
        recover=recover,
        pace=pace,
        starts_after=connector.answered,
        now=context.now,
    )


def build_public(
    context: Context, account: Account, telegram: TelegramSide, history: History
) -> web.Application:
    """Return what the outside may reach."""
    kommo = context.settings.kommo
    events = Events(
        context.lifetimes,
        telegram.typist.show,
        history,
        memory=timedelta(days=context.settings.storage.keep_days),
        skew_s=lambda: context.health.clock_skew_s,
    )
    webhooks = Webhooks(
        context.database,
        events,
        history,
        scope_id=account.scope_id,
        secret=kommo.channel_secret.get_secret_value(),
    )
    links = context.links
    media = MediaRoute(
        links,
        telegram.files,
        ForgottenFiles(context.database, links),
        ExportFiles(context.database),
    )
    challenge = ChallengeRoute(kommo.channel_secret.get_secret_value())
    return public_application(
        webhooks=webhooks.handle,
        webhooks_path=PATH,
        media=media.handle,
        media_path=MEDIA_PATH,
        routes=[web.get(CHALLENGE_PATH, challenge.handle), *_consent_routes(context, account)],
    )


def _consent_routes(context: Context, account: Account) -> list[web.RouteDef]:
    """Return where a consent ends, if the settings want one."""
    kommo = context.settings.kommo
    if account.access is None or kommo.oauth is None:
        return []
    route = ConsentRoute(account.access, context.database, kommo, kommo.oauth, now=context.now)
    return route.routes()
