"""Settings of Kommo: the account, access to it, and whose old messages are whose."""

import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
)

from bot.settings.section import Section
from bot.settings.types import (
    Label,
    SafeAddress,
    Secret,
    Text,
    Uuid,
    Word,
)
from bot.translate.languages import Language
from bot.translate.outgoing.window import length
from bot.translate.phones import is_region


class OAuthSettings(Section):
    """Access to Kommo's REST API that renews itself. Reference: Kommo, OAuth 2.0."""

    client_id: Text = Field(description="the integration's id from its Keys tab")
    client_secret: Secret = Field(description="the integration's secret key from its Keys tab")
    redirect_uri: SafeAddress = Field(
        description="the integration's redirect address, exactly as registered, "
        "such as https://bridge.example.com/oauth/kommo"
    )


def _region(value: str) -> str:
    """Return a country's code."""
    if not is_region(value):
        raise ValueError("is not a country's code")
    return value


def _window(value: object) -> str | bool:
    """Return a length of time, or whether there is one; the environment knows texts only."""
    given = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
    if isinstance(given, bool):
        return given
    if not isinstance(given, str) or length(given) is None:
        raise ValueError('is not a duration such as "24h"')
    return given


class KommoSettings(Section):
    """The channel and the account. Reference: Kommo, Registration of a channel."""

    channel_id: Uuid = Field(description="the channel's id as Kommo support sent it, a UUID")
    channel_secret: Secret = Field(description="the channel's secret key as Kommo support sent it")
    channel_bot_id: Uuid | None = Field(
        None, description="the id of the channel's bot as Kommo support sent it, a UUID"
    )
    channel_code: Word | None = Field(
        None, description="the channel's code as Kommo support sent it, such as amo.ext.12345678"
    )
    title: Text = Field("Telegram", description="the channel's name in the account")
    subdomain: Label | None = Field(
        None, description="the account's name: example, if it is at https://example.kommo.com"
    )
    access_token: Secret | None = Field(
        None, description="a long-lived token of the integration, on one line"
    )
    chats_url: SafeAddress = Field(
        "https://amojo.kommo.com", description="the Chats API, such as https://amojo.kommo.com"
    )
    api_url: SafeAddress | None = Field(
        None, description="the account's address, such as https://example.kommo.com"
    )
    time_window: Annotated[str | bool, PlainValidator(_window)] = Field(
        False, description='true, false, or the channel\'s window such as "24h" or "7d"'
    )
    connect_on_start: bool = Field(True, description="true or false")
    status_field: Literal["auto", "status_code", "delivery_status"] = Field(
        "auto", description='"auto", "status_code" or "delivery_status"'
    )
    language: Language = Field("en", description='"en", "es", "pt" or "ru"')
    phone_region: Annotated[str, AfterValidator(_region)] | None = Field(
        None, description="two capital letters of a country, such as US"
    )
    oauth: OAuthSettings | None = Field(
        None, description="a table [kommo.oauth] with client_id, client_secret, redirect_uri"
    )
    # The last one, so that its validator sees the others.
    account_id: Uuid | None = Field(
        None,
        description="the account's amojo id, a UUID; or access_token (or [kommo.oauth]) together "
        "with subdomain (or api_url), so that it can be looked up",
    )

    @property
    def window(self) -> timedelta | None:
        """Return how long a client's message may be answered; None when that is not declared."""
        return length(self.time_window) if isinstance(self.time_window, str) else None

    @property
    def rest_url(self) -> str | None:
        """Return the account's address, where its REST API is; None when it is not known."""
        if self.api_url or not self.subdomain:
            return self.api_url
        is_russian = (urlsplit(self.chats_url).hostname or "").endswith(".amocrm.ru")
        return f"https://{self.subdomain.lower()}.{'amocrm.ru' if is_russian else 'kommo.com'}"

    @field_validator("api_url")
    @classmethod
    def _one_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and info.data.get("subdomain"):
            raise ValueError("is set beside subdomain, one of the two is enough")
        return value

    @field_validator("account_id")
    @classmethod
    def _account_known(cls, value: str | None, info: ValidationInfo) -> str | None:
        # What is wrong in itself is not in `data`, and is reported already.
        access = (info.data.get(key, "wrong") for key in ("access_token", "oauth"))
        address = (info.data.get(key, "wrong") for key in ("subdomain", "api_url"))
        if value is None and not (any(access) and any(address)):
            raise ValueError("is missing")
        return value


def _writers(value: object) -> object:
    """Return who writes for the company, by Telegram id; TOML and JSON have only texts as keys."""
    if not isinstance(value, dict):
        return value
    if not all(re.fullmatch(r"[1-9][0-9]{0,15}", str(name)) for name in value):
        raise ValueError("has a key that is not a Telegram id")
    return {int(name): user for name, user in value.items()}


class ImportSettings(Section):
    """Old messages."""

    managers: Annotated[dict[int, Uuid], BeforeValidator(_writers)] = Field(
        {},
        description="a table of Telegram ids, each with the Kommo user's amojo id, a UUID, such "
        'as 123456789 = "55555555-6666-4777-8888-999999999999"',
    )
