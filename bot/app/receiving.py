"""The receivers: a poll for each bot, the webhook, what is read back; and the public listener."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.account.connect import Connector
from bot.account.consent_page import ConsentRoute
from bot.app.resources import Parts, greeting
from bot.http.listeners import public_application
from bot.media.revoked import ForgottenFiles
from bot.media.route import PATH as MEDIA_PATH
from bot.media.route import MediaRoute
from bot.operate.check.public_address import PATH as CHALLENGE_PATH
from bot.operate.check.public_address import ChallengeRoute
from bot.receive.catch_up.conversation import Owner, Recovery
from bot.receive.catch_up.schedule import History, Pace
from bot.receive.kommo_webhook import PATH, Webhooks
from bot.receive.new_clients import PeopleSettings
from bot.receive.telegram_poll import Poller
from bot.receive.telegram_updates import Intake, IntakeSettings
from bot.settings import BotSettings
from bot.translate.incoming.updates import UnreadableError
from kommo.ids import AmojoId, ChannelId, KommoUserId, SourceId, scope_id
from storage.database import Transaction


def build_poller(parts: Parts, entry: BotSettings) -> Poller:
    """Return what fetches and stores the updates of one bot."""
    intake = _build_intake(parts, entry)
    health = parts.health.bots[entry.bot_id]
    return Poller(parts.bots[entry.bot_id], intake, parts.database, health, parts.desk)


def build_replay(parts: Parts) -> Callable[[Transaction, int, Mapping[str, Any]], Awaitable[None]]:
    """Return what stores an update that was parked, once it can be read."""
    intakes = {entry.bot_id: _build_intake(parts, entry) for entry in parts.settings.telegram.bots}

    async def replay(tx: Transaction, bot_id: int, update: Mapping[str, Any]) -> None:
        if bot_id not in intakes:
            raise UnreadableError("the settings do not name its bot")
        await intakes[bot_id].replay(tx, update)

    return replay


def _build_intake(parts: Parts, entry: BotSettings) -> Intake:
    """Return what stores the updates of one bot."""
    return Intake(
        entry.bot_id,
        IntakeSettings(
            source_id=SourceId(entry.source) if entry.source else None,
            media_url=parts.links.of_bot(entry.bot_id),
            infer_read=parts.settings.telegram.infer_read,
            language=parts.settings.kommo.language,
            lifetimes=parts.lifetimes,
            people=_people(parts),
        ),
    )


def _people(parts: Parts) -> PeopleSettings:
    welcome = greeting(parts.settings)
    return PeopleSettings(
        can_link=parts.crm is not None,
        has_welcome=welcome is not None,
        asks_phone=welcome is not None and welcome.button is not None,
        language=parts.settings.kommo.language,
    )


def build_history(parts: Parts, connector: Connector, pace: Pace) -> History:
    """Return what reads back answers that no webhook brought."""
    kommo = parts.settings.kommo
    recover = timedelta(hours=parts.settings.delivery.recover_h)
    recovery = Recovery(
        parts.database,
        parts.chats.history_behind,
        parts.kommo_chats,
        owner=Owner(
            account_id=AmojoId(kommo.account_id or ""),
            channel_bot_id=KommoUserId(kommo.channel_bot_id) if kommo.channel_bot_id else None,
            language=kommo.language,
        ),
        recover=recover,
        grace=timedelta(seconds=pace.grace_s),
        lifetimes=parts.lifetimes,
        now=parts.now,
        calls_per_s=pace.calls_per_s,
        ahead_s=lambda: parts.health.clock_skew_s,
    )
    return History(
        parts.database,
        recovery,
        recover=recover,
        pace=pace,
        starts_after=connector.answered,
        now=parts.now,
    )


def build_public(parts: Parts, history: History) -> web.Application:
    """Return what the outside may reach."""
    kommo = parts.settings.kommo
    webhooks = Webhooks(
        parts.database,
        scope_id=scope_id(ChannelId(kommo.channel_id), AmojoId(kommo.account_id or "")),
        secret=kommo.channel_secret.get_secret_value(),
        lifetimes=parts.lifetimes,
        on_typing=parts.typist.show,
        hold_until=history.hold_until,
        on_missed=history.note_missed,
        on_activity=history.note_activity,
        memory=timedelta(days=parts.settings.storage.keep_days),
        skew_s=lambda: parts.health.clock_skew_s,
    )
    media = MediaRoute(parts.links, parts.files, ForgottenFiles(parts.database, parts.links))
    challenge = ChallengeRoute(kommo.channel_secret.get_secret_value())
    return public_application(
        webhooks=webhooks.handle,
        webhooks_path=PATH,
        media=media.handle,
        media_path=MEDIA_PATH,
        routes=[web.get(CHALLENGE_PATH, challenge.handle), *_consent_routes(parts)],
    )


def _consent_routes(parts: Parts) -> list[web.RouteDef]:
    """Return where a consent ends, if the settings want one."""
    kommo = parts.settings.kommo
    if parts.access is None or kommo.oauth is None:
        return []
    route = ConsentRoute(parts.access, parts.database, kommo, kommo.oauth, now=parts.now)
    return route.routes()
