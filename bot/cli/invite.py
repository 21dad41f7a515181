"""`invite`: a link that ties whoever opens it to a contact of Kommo."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

from bot.account.apis import open_rest
from bot.cli.bots import bot_named
from bot.cli.terminal import say, show_json
from bot.errors import BridgeError
from bot.operate.bot_name import bot_username
from bot.settings import BotSettings, Settings
from bot.translate.incoming.starts import INVITATION_BYTES, invitation_payload
from kommo.errors import KommoError
from storage.database import Database
from storage.invitations import Invitation

NO_REST = (
    "without access to Kommo's REST API (kommo.access_token, kommo.subdomain) nobody can "
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
    entry = bot_named(settings, bot_name)
    now = datetime.now(UTC)
    invitation = Invitation(
        payload=invitation_payload(secrets.token_urlsafe(INVITATION_BYTES)),
        contact_id=contact_id,
        is_single=is_single,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
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
        show_json(row)
        return
    say(link)
    whom = "the first person who opens it" if is_single else "everybody who opens it"
    say(f"for {whom}, until {until}", err=True)


async def _made(settings: Settings, entry: BotSettings, invitation: Invitation) -> str:
    """Look for the contact, ask for the bot's name, store the invitation; return its link."""
    warning = await _doubt(settings, invitation.contact_id)
    if warning:
        say(f"warning: {warning}", err=True)
    username = await bot_username(settings, entry)
    async with Database.open(settings.database) as database, database.transaction() as tx:
        await tx.invitations.remember(invitation)
    return f"https://t.me/{username}?start={invitation.payload}"


async def _doubt(settings: Settings, contact_id: int) -> str | None:
    """Return why it is not certain that the link will tie; nothing when it is.

    Raises:
        InviteError: Kommo says that there is no such contact.
    """
    kommo = settings.kommo
    if kommo.oauth is None and (kommo.access_token is None or kommo.rest_url is None):
        return NO_REST
    try:
        async with open_rest(settings) as crm:
            is_there = await crm.has_contact(contact_id)
    except (BridgeError, KommoError) as error:
        return f"whether there is a contact {contact_id} could not be asked: {error}"
    if not is_there:
        raise InviteError(
            f"there is no contact {contact_id} in Kommo: its number is at the end of the address "
            "of its page (…/contacts/detail/NUMBER)"
        )
    return None
