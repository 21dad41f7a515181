"""`invite`: a link that ties whoever opens it to a contact of Kommo."""

import asyncio
import json
import secrets
from datetime import UTC, datetime, timedelta

import aiohttp
import typer
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError

from bot.errors import BridgeError
from bot.settings import BotSettings, Settings
from bot.translate.starts import INVITATION_BYTES, invitation_payload
from storage.database import Database
from storage.invitations import Invitation

TIMEOUT_S = 20
NO_REST = (
    "warning: without access to Kommo's REST API (kommo.access_token, kommo.subdomain) nobody can "
    "be tied to a contact; the link is an ordinary start until then"
)


class InviteError(BridgeError):
    """No link can be made."""


def invite(
    settings: Settings,
    contact_id: int,
    *,
    bot_name: str | None,
    days: int,
    is_single: bool,
    as_json: bool,
) -> None:
    """Make a link, keep it, and print it."""
    entry = _named(settings, bot_name)
    now = datetime.now(UTC)
    invitation = Invitation(
        payload=invitation_payload(secrets.token_urlsafe(INVITATION_BYTES)),
        contact_id=contact_id,
        is_single=is_single,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    if settings.kommo.rest_url is None or not (
        settings.kommo.access_token or settings.kommo.oauth
    ):
        typer.echo(NO_REST, err=True)
    link = asyncio.run(_made(settings, entry, invitation))
    until = invitation.expires_at.isoformat(timespec="seconds")
    if as_json:
        row = {
            "link": link,
            "contact_id": contact_id,
            "bot": entry.name or str(entry.bot_id),
            "is_single": is_single,
            "expires_at": until,
        }
        typer.echo(json.dumps(row, ensure_ascii=False, indent=2))
        return
    typer.echo(link)
    whom = "the first person who opens it" if is_single else "everybody who opens it"
    typer.echo(f"for {whom}, until {until}", err=True)


async def _made(settings: Settings, entry: BotSettings, invitation: Invitation) -> str:
    """Ask for the bot's name, then store the invitation; return its link."""
    async with Database.open(settings.database) as database:
        username = await _username(settings, entry)
        async with database.transaction() as tx:
            await tx.invitations.remember(invitation)
    return f"https://t.me/{username}?start={invitation.payload}"


async def _username(settings: Settings, entry: BotSettings) -> str:
    """Return what the bot is called in links. Reference: Bot API, getMe."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(settings.telegram.api_url))
    async with Bot(entry.token.get_secret_value(), session=session).context() as bot:
        try:
            me = await bot.get_me(request_timeout=TIMEOUT_S)
        except (AiogramError, aiohttp.ClientError) as error:
            raise InviteError(
                f"Telegram did not tell the bot's name ({type(error).__name__}); "
                "see: kommo-telegram check"
            ) from error
    if not me.username:
        raise InviteError("the bot has no user name, so there is no link to it")
    return me.username


def _named(settings: Settings, name: str | None) -> BotSettings:
    """Return a bot by its name, source or number; left out: the default one, or the first."""
    bots = settings.telegram.bots
    if name is None:
        return next((bot for bot in bots if bot.default), bots[0])
    for bot in bots:
        if name in {bot.name, bot.source, str(bot.bot_id)}:
            return bot
    known = ", ".join(bot.name or str(bot.bot_id) for bot in bots)
    raise InviteError(f"no bot is called {name!r}; there are: {known}")
