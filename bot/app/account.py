"""The Kommo side: the account, resolved, with the pools of its two APIs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx

from bot.account.access import GrantedAccess
from bot.account.apis import NoRestAccessError, chats_api, open_access, open_crm
from bot.account.resolved import find_account
from bot.account.statuses import status_names
from bot.app.context import Context
from bot.conversations.kommo_chats import KommoChats
from bot.http.kommo_wire import KommoWire
from bot.operate.check.clock import skew_s
from kommo.chats import ChatsApi
from kommo.crm import CrmApi
from kommo.ids import AmojoId, ScopeId
from kommo.limits import AT_A_TIME, HISTORIES_AT_A_TIME, CrmLimits

CALLS = AT_A_TIME + HISTORIES_AT_A_TIME
"""Connections to Kommo's Chats API: one for each call that may be in flight."""

KOMMO_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=None)


@dataclass(frozen=True)
class Account:
    """A Kommo account, and how the bridge reaches it.

    Args:
        crm: the REST API; None when the settings give no access to it.
        access: what a consent granted; None when the settings want none.
    """

    id: AmojoId
    scope_id: ScopeId
    chats: ChatsApi
    kommo_chats: KommoChats
    crm: CrmApi | None
    access: GrantedAccess | None


@asynccontextmanager
async def open_account(context: Context) -> AsyncIterator[Account]:
    """Find out which account it is, and open its APIs."""
    database, pace = context.database, CrmLimits()
    async with AsyncExitStack() as stack:
        access = await stack.enter_async_context(
            open_access(
                context.settings, database, pace=pace, health=context.health.rest, now=context.now
            )
        )
        settings = context.settings
        account = await find_account(settings, database, access=access, pace=pace)
        chats = chats_api(
            await stack.enter_async_context(_open_wire(context)),
            settings.kommo,
            account.scope_id,
            now=context.now,
            status_names=await status_names(settings, account.id, database),
        )
        yield Account(
            id=account.id,
            scope_id=account.scope_id,
            chats=chats,
            kommo_chats=KommoChats(database, chats.create_chat, now=context.now),
            crm=await _open_crm(stack, context, access, pace),
            access=access,
        )


def _open_wire(context: Context) -> KommoWire:
    """Return what carries the Chats API; each answer tells by how much our clock is off."""

    def compare_clocks(headers: Mapping[str, str], asked_at: datetime) -> None:
        now = context.now()
        context.health.clock_skew_s = skew_s(headers.get("Date"), asked_at=asked_at, now=now)

    return KommoWire(
        context.settings.kommo.chats_url,
        routes=context.settings.routes,
        connections=CALLS,
        now=context.now,
        on_reply=compare_clocks,
    )


async def _open_crm(
    stack: AsyncExitStack, context: Context, access: GrantedAccess | None, pace: CrmLimits
) -> CrmApi | None:
    """Return the REST API; None when the settings give no access to it."""
    try:
        return await stack.enter_async_context(
            open_crm(context.settings, context.database, access=access, pace=pace)
        )
    except NoRestAccessError:
        return None
