"""Kommo's two APIs as commands use them, and the account's id where the settings leave it out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from bot.errors import BridgeError
from bot.settings import Settings
from kommo.chats import ChatsApi
from kommo.crm import CrmApi, CrmPace
from kommo.ids import AmojoId, ChannelId, scope_id
from storage.database import Database

TIMEOUT_S = 20


class NoRestAccessError(BridgeError):
    """The settings give no access to Kommo's REST API."""


@asynccontextmanager
async def open_crm(settings: Settings) -> AsyncIterator[CrmApi]:
    """Return the REST API of the settings' account.

    Raises:
        NoRestAccessError: the settings do not say where it is, or hold no token.
    """
    token, url = settings.kommo.access_token, settings.kommo.rest_url
    if token is None or url is None:
        raise NoRestAccessError(
            "this needs Kommo's REST API: set kommo.access_token (a long-lived token from the "
            "integration's Keys tab) and kommo.subdomain"
        )
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S) as http:
        yield CrmApi(
            http, token=token.get_secret_value(), pace=CrmPace(), now=lambda: datetime.now(UTC)
        )


@asynccontextmanager
async def open_chats(settings: Settings) -> AsyncIterator[ChatsApi]:
    """Return the Chats API for settings whose account is known."""
    kommo = settings.kommo
    channel_id = ChannelId(kommo.channel_id)
    async with httpx.AsyncClient(base_url=kommo.chats_url, timeout=TIMEOUT_S) as http:
        yield ChatsApi(
            http,
            channel_id=channel_id,
            scope_id=scope_id(channel_id, AmojoId(kommo.account_id or "")),
            secret=kommo.channel_secret.get_secret_value(),
            now=lambda: datetime.now(UTC),
            status_field=kommo.status_field,
        )


async def with_account(settings: Settings, database: Database) -> Settings:
    """Return settings that name the account: as set, as stored, or as Kommo tells it.

    Raises:
        NoRestAccessError: it is not set and cannot be asked for.
        RequestError: Kommo did not tell it.
    """
    if settings.kommo.account_id:
        return settings
    key = f"account_id {settings.kommo.rest_url}"
    async with database.snapshot() as snapshot:
        known = await snapshot.notes.get(key)
    if known is None:
        async with open_crm(settings) as crm:
            known = await crm.account_id()
        async with database.transaction() as tx:
            await tx.notes.put(key, known)
    kommo = settings.kommo.model_copy(update={"account_id": known})
    return settings.model_copy(update={"kommo": kommo})
