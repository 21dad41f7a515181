"""`invite`: a link that ties whoever opens it to a contact of Kommo."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from bot.account.apis import open_rest
from bot.cli.bots import bot_named
from bot.cli.options import JsonOption, load_settings
from bot.cli.terminal import say, show_json
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from bot.operate.bot_name import bot_username
from bot.settings import BotSettings, Settings
from bot.translate.incoming.starts import INVITATION_BYTES, invitation_payload
from kommo.errors import KommoError
from storage.database import Database
from storage.invitations import Invitation

app = PlainTyper()

HIGHEST = 2**53 - 1
"""Of Kommo's numbers: JSON has no higher ones that every program reads alike."""

NO_REST = (
    "without access to Kommo's REST API (kommo.access_token, kommo.subdomain) nobody can "
    "be tied to a contact; the link is an ordinary start until then"
)


class InviteError(BridgeError):
    """No link can be made."""


@app.command()
def invite(  # noqa: PLR0917 - the command line's own
    context: typer.Context,
    contact: Annotated[
        int,
        typer.Option(
            "--contact", min=1, max=HIGHEST, metavar="ID", help="The contact's id in Kommo."
        ),
    ],
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot", metavar="NAME", help="The bot's name.", show_default="the default bot"
        ),
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            "--days", min=1, max=3650, metavar="N", help="For how many days the link is valid."
        ),
    ] = 30,
    many: Annotated[
        bool, typer.Option("--many", help="Valid for everybody who opens it, not one person.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create a t.me link that links whoever opens it to a Kommo contact.

    It needs access to Kommo's REST API.
    """
    settings = load_settings(context)
    entry = bot_named(settings, bot)
    now = datetime.now(UTC)
    invitation = Invitation(
        payload=invitation_payload(secrets.token_urlsafe(INVITATION_BYTES)),
        contact_id=contact,
        is_single=not many,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    _show(asyncio.run(_made(settings, entry, invitation)), entry, invitation, as_json=as_json)


def _show(link: str, entry: BotSettings, invitation: Invitation, *, as_json: bool) -> None:
    until = invitation.expires_at.isoformat(timespec="seconds")
    if as_json:
        row = {
            "link": link,
            "contact_id": invitation.contact_id,
            "bot": entry.name or str(entry.bot_id),
            "is_single": invitation.is_single,
            "expires_at": until,
        }
        show_json(row)
        return
    say(link)
    whom = "the first person who opens it" if invitation.is_single else "everybody who opens it"
    say(f"for {whom}, until {until}", err=True)


async def _made(settings: Settings, entry: BotSettings, invitation: Invitation) -> str:
    """Look for the contact, ask for the bot's name, store the invitation; return its link."""
    warning = await _doubt(settings, invitation.contact_id)
    if warning:
        say(f"warning: {warning}", err=True)
    username = await bot_username(settings, entry)
    async with Database.open(settings.location) as database, database.transaction() as tx:
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
        return f"could not look up contact {contact_id}: {error}"
    if not is_there:
        raise InviteError(
            f"Kommo has no contact {contact_id}: the id is at the end of the address "
            "of its page (…/contacts/detail/NUMBER)"
        )
    return None
