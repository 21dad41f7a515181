"""Settings: what there is to set, and where it is read from (TOML, credentials, environment)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import ConfigError, Problem
from bot.http.routes import DIRECT, Routes
from bot.settings.kommo_tables import ImportSettings, KommoSettings
from bot.settings.location import find_file, readable_by_others
from bot.settings.network import routes_from
from bot.settings.placeholders import is_placeholder
from bot.settings.problems import MismatchError, problems_in, unknown
from bot.settings.sources import (
    KeyPath,
    merge,
    read_credentials,
    read_environment,
    read_toml,
    variable,
)
from bot.settings.tables import (
    AdminSettings,
    DeliverySettings,
    ListenSettings,
    LoggingSettings,
    NetworkSettings,
    StorageSettings,
)
from bot.settings.telegram_tables import (
    BotSettings,
    OperatorsSettings,
    TelegramSettings,
    TemplateSettings,
    TextsSettings,
)
from bot.settings.types import SafeAddress
from storage.location import Location

__all__ = [
    "BotSettings",
    "KommoSettings",
    "Settings",
    "find_file",
    "load",
    "load_unregistered",
    "load_with_origins",
    "readable_by_others",
]

FROM_SUPPORT = {
    "kommo.channel_id": "00000000-0000-4000-8000-000000000000",
    "kommo.channel_secret": "waiting-for-kommo-support",
}
"""What only Kommo support can tell, days after the rest; and what stands in for it until then."""

LONG_PATH = 16
"""A path of this length may be a key; a shorter one is a word that logs may have to say."""

NOT_GIVEN = ("is missing", "is empty")
MEANWHILE = (
    "support takes 1 to 3 working days: until it answers, `kommo-telegram check` tries the rest; "
    "then `kommo-telegram init` takes the answer"
)


class Settings(BaseSettings):
    """All settings, as `load` reads them."""

    # pydantic-settings' own sources can neither merge a list's entries nor say which variable is
    # wrong, so `load` puts the layers together and hands them over as arguments.
    model_config = SettingsConfigDict(frozen=True, extra="forbid", strict=True)

    public_url: SafeAddress = Field(
        description="the https address where Kommo reaches this bridge, such as "
        "https://bridge.example.com"
    )
    kommo: KommoSettings = Field(description="a table [kommo]")
    telegram: TelegramSettings = Field(description="a table [[telegram.bots]] with a token")
    listen: ListenSettings = Field(ListenSettings(), description="a table [listen]")
    admin: AdminSettings = Field(AdminSettings(), description="a table [admin]")
    storage: StorageSettings = Field(StorageSettings(), description="a table [storage]")
    delivery: DeliverySettings = Field(DeliverySettings(), description="a table [delivery]")
    texts: TextsSettings = Field(TextsSettings(), description="a table [texts]")
    operators: OperatorsSettings = Field(OperatorsSettings(), description="a table [operators]")
    templates: tuple[TemplateSettings, ...] = Field(
        (), strict=False, description="tables [[templates]] (two brackets on each side)"
    )
    imports: ImportSettings = Field(
        ImportSettings(), alias="import", description="a table [import.managers]"
    )
    network: NetworkSettings = Field(NetworkSettings(), description="a table [network]")
    logging: LoggingSettings = Field(LoggingSettings(), description="a table [logging]")

    _routes: Routes = PrivateAttr(DIRECT)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the constructor is given, and nothing from elsewhere."""
        return (init_settings,)

    @property
    def database(self) -> Path:
        """Return the absolute path of the database."""
        return self.storage.path.absolute()

    @property
    def location(self) -> Location:
        """Return where the data is: the database, and what is beside it."""
        state_dir = self.storage.state_dir
        return Location(self.database, state_dir.absolute() if state_dir else self.database.parent)

    def secrets(self) -> list[str]:
        """Return every secret, for the redaction of logs."""
        webhook = _keys_in(self.operators.webhook_url)
        return [*_secrets(self), *webhook, *self.routes.secrets()]

    @property
    def routes(self) -> Routes:
        """Return which way each address is reached."""
        return self._routes

    @model_validator(mode="after")
    def _agree(self) -> Self:
        listen, admin = self.listen, self.admin
        if listen.port and (listen.host, listen.port) == (admin.host, admin.port):
            problem = Problem("admin.port", "is the port of [listen] too", "another port")
            raise MismatchError([problem])
        return self


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings: the environment comes before credentials, these before the file.

    Args:
        path: the settings file; None to do without.
        environ: the environment's variables.

    Raises:
        ConfigError: with every problem found, never with a value.
    """
    return _load(path, environ)[0]


def load_with_origins(
    path: Path | None, environ: Mapping[str, str]
) -> tuple[Settings, Mapping[KeyPath, str]]:
    """Return the settings, and where those came from that are not from the file.

    Raises:
        ConfigError: as `load`.
    """
    return _load(path, environ)


def _load(path: Path | None, environ: Mapping[str, str]) -> tuple[Settings, Mapping[KeyPath, str]]:
    base = read_toml(path) if path else {}
    layers = [read_credentials(environ, Settings), read_environment(environ, Settings)]
    data, origins, problems = merge({"kommo": {}, "telegram": {}} | base, layers)
    for name in [name for name in data if name.startswith("_")]:  # BaseSettings takes options so
        del data[name]
        problems.append(unknown((name,), Settings, origins))
    try:
        settings = Settings(**data)
    except ValidationError as error:
        problems += map(_or_patience, problems_in(error, Settings, origins))
        raise ConfigError(problems) from None  # the cause would quote the values
    if problems:
        raise ConfigError(problems)
    folder = path.absolute().parent if path else Path.cwd()
    given = settings.storage
    storage = given.model_copy(
        update={
            "path": folder / given.path,
            "state_dir": folder / given.state_dir if given.state_dir else None,
            "backup_dir": folder / given.backup_dir if given.backup_dir else None,
        }
    )
    settings = settings.model_copy(update={"storage": storage})
    network = settings.network
    settings._routes = routes_from(environ, network.proxy, network.no_proxy)
    return settings, origins


def _or_patience(problem: Problem) -> Problem:
    """Return a problem with what to do meanwhile, if it only waits for Kommo support."""
    if problem.path not in FROM_SUPPORT or problem.what not in NOT_GIVEN:
        return problem
    return replace(problem, expected=f"{problem.expected} ({MEANWHILE})")


def load_unregistered(
    path: Path | None, environ: Mapping[str, str]
) -> tuple[Settings, tuple[str, ...]]:
    """Read the settings, also while Kommo support has not said channel id and secret yet.

    Returns:
        The settings, and the names of those that only have a stand-in.

    Raises:
        ConfigError: as `load`, for all that a person can mend today.
    """
    try:
        return load(path, environ), ()
    except ConfigError as error:
        missing = not_told(error, path)
        if not missing:
            raise
    return load(path, with_stand_ins(environ, missing)), missing


def not_told(error: ConfigError, path: Path | None) -> tuple[str, ...]:
    """Return what is missing of what only Kommo support can tell; a placeholder is nothing."""
    given = (read_toml(path) if path else {}).get("kommo")
    wrong = {problem.path: problem for problem in error.problems}

    def is_open(name: str) -> bool:
        value = given.get(name.rpartition(".")[2]) if isinstance(given, dict) else None
        is_filled = wrong[name].what not in NOT_GIVEN
        return not is_filled or (isinstance(value, str) and is_placeholder(value))

    return tuple(name for name in FROM_SUPPORT if name in wrong and is_open(name))


def with_stand_ins(environ: Mapping[str, str], missing: Sequence[str]) -> dict[str, str]:
    """Return an environment that gives stand-ins for what is missing."""
    stand_ins = {variable(tuple(name.split("."))): FROM_SUPPORT[name] for name in missing}
    kept = {name: value for name, value in environ.items() if name.upper() not in stand_ins}
    return kept | stand_ins


def _keys_in(url: str | None) -> Iterator[str]:
    """Return what of an address may let somebody in: all of it, and what follows the host."""
    after = re.sub("^[^/?]*[/?]", "", (url or "").partition("://")[2])
    if url is not None and len(after) >= LONG_PATH:
        yield from (url, after)


def _secrets(model: BaseModel) -> Iterator[str]:
    """Return the secrets of a table and of all tables in it."""
    for _name, value in model:
        for entry in value if isinstance(value, tuple) else (value,):
            if isinstance(entry, SecretStr):
                yield entry.get_secret_value()
            elif isinstance(entry, BaseModel):
                yield from _secrets(entry)
