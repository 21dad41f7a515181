"""The tables of the settings file: every key, what it must look like, what it is when left out."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.errors import Problem
from bot.http.routes import NONE, proxy_from
from bot.settings.problems import MismatchError
from bot.settings.types import (
    Address,
    Label,
    Level,
    Port,
    PostAddress,
    SafeAddress,
    Secret,
    Source,
    Text,
    Token,
    Uuid,
    Word,
)
from bot.translate.languages import Language
from bot.translate.outgoing.html import read_html
from bot.translate.outgoing.window import length
from bot.translate.phones import is_region

MOST_BOTS = 100
MOST_PER_S = 1000
LONGEST_HOURS = 24 * 365
LONGEST_WELCOME = 4096
"""Reference: Bot API, sendMessage."""

SHORTEST_KEEP_DAYS = 7
SHORTEST_MESSAGES_DAYS = 30
SHORTEST_LINK_DAYS, LONGEST_LINK_DAYS = 7, 3650


Welcome = Annotated[Text, Field(max_length=LONGEST_WELCOME)]


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


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


class BotSettings(Section):
    """One Telegram bot and its source in Kommo."""

    token: Token = Field(
        description="the token from @BotFather, such as 700001:AA…, a number, a colon and a key"
    )
    name: Text | None = Field(None, description="a name of your choice, such as Sales")
    source: Source | None = Field(
        None, description="1 to 36 Latin letters, digits, signs or spaces, such as sales"
    )
    pipeline_id: int | None = Field(
        None, gt=0, description="the number of a pipeline in Kommo, such as 1300"
    )
    default: bool = Field(False, description="true or false")

    @property
    def bot_id(self) -> int:
        """Return the bot's id in Telegram. Reference: Bot API, Authorizing your bot."""
        return int(self.token.get_secret_value().partition(":")[0])


def _right_number(bots: tuple[BotSettings, ...]) -> tuple[BotSettings, ...]:
    """Return the bots, if there are any and not too many."""
    if not 1 <= len(bots) <= MOST_BOTS:
        raise ValueError("has too few entries" if not bots else "has too many entries")
    return bots


CLOUD_HOST = "api.telegram.org"


class TelegramSettings(Section):
    """The bots."""

    api_url: Address = Field(
        "https://api.telegram.org",
        description="https://api.telegram.org or the address of a local Bot API server",
    )
    infer_read: bool = Field(True, description="true or false")
    buttons: Literal["inline", "keyboard"] = Field("inline", description='"inline" or "keyboard"')
    messages_per_s: float = Field(
        30.0, ge=0, le=MOST_PER_S, description=f"0 (no limit) to {MOST_PER_S} messages a second"
    )
    chat_messages_per_s: float = Field(
        1.0, ge=0, le=MOST_PER_S, description=f"0 (no limit) to {MOST_PER_S} messages a second"
    )
    bots: Annotated[tuple[BotSettings, ...], AfterValidator(_right_number)] = Field(
        strict=False,
        description=f"1 to {MOST_BOTS} tables [[telegram.bots]] (two brackets on each side)",
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        ids = [bot.bot_id for bot in self.bots]
        sources = [bot.source for bot in self.bots]
        problems = [
            *_repeated(ids, "token", "one token for each bot"),
            *_repeated(sources, "source", "a source of its own for each bot"),
            *_repeated([bot.default or None for bot in self.bots], "default", "one default bot"),
        ]
        if len(self.bots) > 1:
            expected = BotSettings.model_fields["source"].description or ""
            problems += [
                Problem(
                    f"bots[{index}].source", "is missing, where there are several bots", expected
                )
                for index, source in enumerate(sources)
                if source is None
            ]
        if problems:
            raise MismatchError(problems)
        return self

    @property
    def is_cloud(self) -> bool:
        """Tell whether Telegram's own server is asked, rather than one of the operator's own."""
        return urlsplit(self.api_url).hostname == CLOUD_HOST


class ListenSettings(Section):
    """The public listener, behind the reverse proxy."""

    host: Word = Field("127.0.0.1", description="an address of this machine, such as 127.0.0.1")
    port: Port = Field(8080, description="1 to 65535, or 0 for any free port")


class AdminSettings(Section):
    """The local listener."""

    host: Word = Field("127.0.0.1", description="an address of this machine, such as 127.0.0.1")
    port: Port = Field(8081, description="1 to 65535, or 0 for any free port")


def _file_name(path: Path) -> Path:
    """Return a path that can be a file's."""
    if not path.name or "\0" in str(path):
        raise ValueError("is not a file name")
    return path


def _none_or_a_month(days: int) -> int:
    if 0 < days < SHORTEST_MESSAGES_DAYS:
        raise ValueError("is too short")
    return days


class StorageSettings(Section):
    """The database."""

    path: Annotated[Path, AfterValidator(_file_name)] = Field(
        Path("kommo-telegram.sqlite3"),
        strict=False,
        description="the database's file name, relative to the settings file",
    )
    keep_days: int = Field(
        30,
        ge=SHORTEST_KEEP_DAYS,
        le=LONGEST_LINK_DAYS,
        description=f"a whole number of days, {SHORTEST_KEEP_DAYS} to {LONGEST_LINK_DAYS}",
    )
    keep_messages_days: Annotated[int, AfterValidator(_none_or_a_month)] = Field(
        730,
        ge=0,
        le=LONGEST_LINK_DAYS,
        description=f"a whole number of days, 30 to {LONGEST_LINK_DAYS}, or 0 for forever",
    )
    backup_dir: Annotated[Path, AfterValidator(_file_name)] | None = Field(
        None, strict=False, description="a folder, relative to the settings file"
    )
    backup_keep: int = Field(
        7,
        ge=1,
        le=LONGEST_LINK_DAYS,
        description=f"a whole number of copies, 1 to {LONGEST_LINK_DAYS}",
    )


class DeliverySettings(Section):
    """How long delivery is tried."""

    kommo_give_up_h: float = Field(
        72.0, gt=0, le=LONGEST_HOURS, description=f"hours, more than 0, at most {LONGEST_HOURS}"
    )
    telegram_give_up_min: float = Field(
        60.0,
        gt=0,
        le=LONGEST_HOURS * 60,
        description=f"minutes, more than 0, at most {LONGEST_HOURS * 60}",
    )
    recover_h: float = Field(
        24.0,
        ge=0,
        le=SHORTEST_KEEP_DAYS * 24,
        description=f"hours, at most {SHORTEST_KEEP_DAYS * 24}; 0 for never",
    )
    media_link_days: int = Field(
        30,
        ge=SHORTEST_LINK_DAYS,
        le=LONGEST_LINK_DAYS,
        description=f"a whole number of days, {SHORTEST_LINK_DAYS} to {LONGEST_LINK_DAYS}",
    )


class OperatorsSettings(Section):
    """Who gets alerts."""

    chat_ids: tuple[int, ...] = Field(
        (), strict=False, description="numbers of Telegram chats, such as [123456789]"
    )
    webhook_url: PostAddress | None = Field(
        None,
        description="an https address that takes JSON, such as https://alerts.example.com/kommo",
    )

    @field_validator("webhook_url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value


def _proxy(value: str) -> str:
    """Return the address of a proxy, an empty text, or the word for none."""
    if value and value != NONE:
        proxy_from(value)
    return value


class NetworkSettings(Section):
    """The way out to Telegram, to Kommo, and to files."""

    proxy: Annotated[str, AfterValidator(_proxy)] = Field(
        "",
        description='http://host:3128, socks5://user:password@host:1080, "none", or "" for the '
        "environment's HTTPS_PROXY",
    )
    no_proxy: tuple[Word, ...] | None = Field(
        None,
        strict=False,
        description='a list of hosts, domains or networks, such as ["bot-api", "10.0.0.0/8"]',
    )


class TemplateSettings(Section):
    """A template's own version for Telegram. Reference: Kommo, Receiving chat webhooks."""

    external_id: Text | None = Field(
        None, description="the template's external_id, such as order-confirm"
    )
    id: int | None = Field(None, gt=0, description="the template's number in Kommo, such as 7103")
    html: Text | None = Field(
        None,
        description="a text in Telegram's HTML with placeholders such as {{lead.id}}, "
        "each tag closed",
    )
    picture: Address | None = Field(
        None, description="a picture's public address, such as https://example.com/order.png"
    )

    @field_validator("html")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            read_html(value)
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        problems = []
        if self.external_id is None and self.id is None:
            problems.append(Problem("external_id", "is missing", "external_id or id"))
        if self.html is None and self.picture is None:
            problems.append(Problem("html", "is missing", "html, picture or both"))
        if problems:
            raise MismatchError(problems)
        return self


class TextsSettings(Section):
    """What the bridge itself says to clients."""

    welcome: Welcome | None = Field(
        None, description=f"a text of at most {LONGEST_WELCOME} letters for new clients"
    )
    ask_phone: Text | bool = Field(
        False, description="the label of a button that shares the phone number, or true or false"
    )


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


class LoggingSettings(Section):
    """The log."""

    level: Level = Field("info", description='"debug", "info", "warning", "error" or "critical"')
    format: Literal["text", "json"] = Field("text", description='"text" or "json"')


def _repeated(values: Sequence[object], key: str, expected: str) -> Iterator[Problem]:
    """Return a problem for each bot whose value an earlier bot has too."""
    seen: Counter[object] = Counter()
    for index, value in enumerate(values):
        if value is not None and seen[value]:
            yield Problem(f"bots[{index}].{key}", "is set as for an earlier bot", expected)
        seen[value] += 1
