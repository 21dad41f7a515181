"""The other tables of the settings file: listeners, storage, delivery, network, logging."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bot.http.routes import NONE, proxy_from
from bot.queue.items import Lifetimes
from bot.settings.section import Section
from bot.settings.types import Level, Port, Word

LONGEST_HOURS = 24 * 365
SHORTEST_KEEP_DAYS = 7
SHORTEST_MESSAGES_DAYS = 30
SHORTEST_LINK_DAYS, LONGEST_LINK_DAYS = 7, 3650


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


def _folder_name(path: Path) -> Path:
    """Return a path that can be a folder's; "." is the settings file's own one."""
    if "\0" in str(path):
        raise ValueError("is not a folder name")
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
    state_dir: Annotated[Path, AfterValidator(_folder_name)] | None = Field(
        None, strict=False, description="a folder, relative to the settings file"
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

    @property
    def lifetimes(self) -> Lifetimes:
        """Return how long items are tried."""
        return Lifetimes(
            to_kommo=timedelta(hours=self.kommo_give_up_h),
            to_telegram=timedelta(minutes=self.telegram_give_up_min),
        )


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


class LoggingSettings(Section):
    """The log."""

    level: Level = Field("info", description='"debug", "info", "warning", "error" or "critical"')
    format: Literal["text", "json"] = Field("text", description='"text" or "json"')
