"""Find the account: as set, as an earlier start found it, or as Kommo names it."""

from dataclasses import dataclass

from bot.account.access import GrantedAccess
from bot.account.apis import open_crm
from bot.account.existing import has_database
from bot.settings import KommoSettings, Settings
from kommo.ids import AmojoId, ChannelId, ScopeId, scope_id
from kommo.limits import CrmLimits
from storage.database import Database


@dataclass(frozen=True)
class ResolvedAccount:
    """An account, and the channel's scope in it; the settings may leave the account out."""

    id: AmojoId
    scope_id: ScopeId


def account_of(kommo: KommoSettings, account_id: str) -> ResolvedAccount:
    """Return an account by its id."""
    found = AmojoId(account_id)
    return ResolvedAccount(found, scope_id(ChannelId(kommo.channel_id), found))


async def find_account(
    settings: Settings,
    database: Database,
    *,
    access: GrantedAccess | None = None,
    pace: CrmLimits | None = None,
) -> ResolvedAccount:
    """Return the settings' account; what Kommo tells is stored.

    Raises:
        NoRestAccessError: it is not set and cannot be asked for.
        RequestError: Kommo did not tell it.
    """
    known = settings.kommo.account_id or await stored_account(settings, database)
    if known is None:
        async with open_crm(settings, database, access=access, pace=pace) as crm:
            known = await crm.account_id()
        async with database.transaction() as tx:
            await tx.facts.put(account_note(settings), known)
    return account_of(settings.kommo, known)


async def find_for_command(settings: Settings) -> ResolvedAccount:
    """Return the settings' account, for a command, which makes no database.

    Raises:
        NoRestAccessError: it is not set and cannot be asked for.
        RequestError: Kommo did not tell it.
    """
    if settings.kommo.account_id:
        return account_of(settings.kommo, settings.kommo.account_id)
    if has_database(settings):
        async with Database.open(settings.location) as database:
            return await find_account(settings, database)
    async with open_crm(settings, None) as crm:
        return account_of(settings.kommo, await crm.account_id())


async def stored_account(settings: Settings, database: Database) -> str | None:
    """Return the account's id as an earlier start found it."""
    async with database.snapshot() as snapshot:
        return await snapshot.facts.get(account_note(settings))


def account_note(settings: Settings) -> str:
    """Return under which name the account's id is stored."""
    return f"account_id {settings.kommo.rest_url}"
