"""The settings file that `init` finds: what is in it, and how it looks with new values.

What is there stays: order, comments, and every setting that `init` does not ask for.
"""

import json
import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from bot.errors import BridgeError
from bot.settings.account_hosts import CHATS_URLS, KOMMO, RUSSIAN, account_host, end_of
from bot.settings.placeholders import is_no_uuid, is_placeholder

EXAMPLE_CODE = "amo.ext.12345678"

Table = MutableMapping[str, Any]


class SettingsFileError(BridgeError):
    """The settings file that is there cannot be read."""


@dataclass(frozen=True)
class Integration:
    """What an administrator consents to."""

    client_id: str
    client_secret: str
    redirect_uri: str


@dataclass(frozen=True)
class Account:
    """An account, and what opens it.

    Args:
        host: where it is; empty where only its REST API is known.
        api_url: where its REST API is instead; empty where it is at the host.
        token: a long-lived token; empty where there is none.
        id: its amojo id, if a token told it.
        number: as people see it.
        oauth: what opens it instead of a token.
    """

    host: str
    api_url: str
    token: str = ""
    id: str = ""
    number: str = ""
    oauth: Integration | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Return the setting that says where it is, and its value."""
        end = end_of(self.host)
        if self.api_url or end not in {KOMMO, RUSSIAN}:
            return "api_url", self.api_url or f"https://{self.host}"
        return "subdomain", self.host.removesuffix(end)

    @property
    def chats_url(self) -> str:
        """Return where its chats are."""
        return CHATS_URLS.get(end_of(self.host), CHATS_URLS[KOMMO])


@dataclass(frozen=True)
class Values:
    """What `init` asked for.

    Args:
        public_url: the bridge's address.
        token: the bot's token.
        name: the bot's name; None to leave what is there.
        username: the bot's user name.
        telegram_url: where Telegram is; None to leave what is there.
        account: the account.
        channel_id: empty as long as support has not told it.
        channel_secret: as well.
        channel_code: empty if support did not tell it; None to leave what is there.
        channel_bot_id: as well.
    """

    public_url: str
    token: str
    name: str | None
    username: str
    telegram_url: str | None
    account: Account
    channel_id: str
    channel_secret: str
    channel_code: str | None = None
    channel_bot_id: str | None = None


@dataclass(frozen=True)
class Earlier:
    """The file that is there; empty where there is none."""

    text: str
    data: Table

    @classmethod
    def read(cls, file: Path) -> "Earlier":
        """Read it.

        Raises:
            SettingsFileError: it is no settings file.
        """
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            return cls("", {})
        except OSError as error:
            is_roots = isinstance(error, PermissionError)
            remedy = "; settings of the service are for root: begin the command with sudo"
            reason = f"cannot read {file}: {error.strerror}{remedy if is_roots else ''}"
            raise SettingsFileError(reason) from error
        except UnicodeDecodeError as error:
            raise SettingsFileError(
                f"{file} is not in UTF-8: correct it or move it away"
            ) from error
        try:
            return cls(text, tomlkit.parse(text).unwrap())
        except TOMLKitError:
            reason = (
                f"{file} is not TOML: correct it (`kommo-telegram check` says the line), or move"
            )
            raise SettingsFileError(f"{reason} it away") from None

    def get(self, *place: str | int) -> str:
        """Return a text that is there, unless it only stands for a value; or nothing."""
        found: Any = self.data
        for step in place:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return ""
        is_filled = isinstance(found, str) and not _stands_for(str(place[-1]), found)
        return found if is_filled else ""

    def texts(self, *place: str) -> list[str] | None:
        """Return a list of texts that is there; None where there is none."""
        found: Any = self.data
        for step in place:
            found = found.get(step) if isinstance(found, dict) else None
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else None

    @property
    def account(self) -> str:
        """Return the account that is there, as a person would enter it."""
        name = self.get("kommo", "subdomain")
        if not name:
            url = self.get("kommo", "api_url")
            return account_host(url) or url
        is_russian = end_of(self.get("kommo", "chats_url")) == RUSSIAN
        return f"{name}{RUSSIAN}" if is_russian else name


def _stands_for(key: str, value: str) -> bool:
    checks: dict[str, Callable[[str], bool]] = {
        "channel_id": is_no_uuid,
        "channel_bot_id": is_no_uuid,
        "channel_code": EXAMPLE_CODE.__eq__,
        "channel_secret": is_placeholder,
        "access_token": is_placeholder,
        "client_secret": is_placeholder,
        "token": is_placeholder,
    }
    return not value or (key in checks and checks[key](value))


def changed(before: Earlier, values: Values) -> str:
    """Return the file that is there with new values; all else as it is."""
    wanted = {
        "channel_id": values.channel_id,
        "channel_secret": values.channel_secret,
        "access_token": values.account.token,
        "account_id": values.account.id,
        "channel_code": values.channel_code or "",
        "channel_bot_id": values.channel_bot_id or "",
    }
    document = tomlkit.parse(_uncommented(before.text, before.data.get("kommo") or {}, wanted))
    _put(document, "public_url", values.public_url)
    kommo = _table(document, "kommo")
    _put_account(kommo, before, values.account)
    for key in ("channel_id", "channel_secret"):
        _put(kommo, key, wanted[key])
    if values.channel_code is not None:
        _put(kommo, "channel_code", values.channel_code)
    if values.channel_bot_id is not None:
        _put(kommo, "channel_bot_id", values.channel_bot_id)
    _put_bot(_table(document, "telegram"), values)
    return tomlkit.dumps(document)


def _put_account(kommo: Table, before: Earlier, account: Account) -> None:
    key, value = account.place
    has_moved = str(kommo.get(key, "")) != value
    for other in {"api_url", "subdomain"} - {key}:
        kommo.pop(other, None)
    _put(kommo, key, value)
    if account.host and kommo.get("chats_url") in {None, *CHATS_URLS.values()}:
        is_usual = account.chats_url == CHATS_URLS[KOMMO] and "chats_url" not in kommo
        if not is_usual:
            _put(kommo, "chats_url", account.chats_url)
    if account.token:
        _put(kommo, "access_token", account.token)
        _put(kommo, "account_id", account.id)
        return
    kommo.pop("access_token", None)
    if has_moved or is_no_uuid(before.get("kommo", "account_id")):
        kommo.pop("account_id", None)
    if account.oauth:
        oauth = _table(kommo, "oauth")
        for name, given in vars(account.oauth).items():
            _put(oauth, name, given)


def _put_bot(telegram: Table, values: Values) -> None:
    if not telegram.get("bots"):
        telegram["bots"] = tomlkit.aot()
        telegram["bots"].append(tomlkit.table())
    bot = telegram["bots"][0]
    _put(bot, "token", values.token)
    if values.name is not None:
        _put(bot, "name", values.name)


def _put(table: Table, key: str, value: str) -> None:
    """Set a value; an empty one takes the setting away. What is right already is not touched."""
    if not value:
        table.pop(key, None)
    elif table.get(key) != value:
        table[key] = value


def _table(parent: Table, key: str) -> Table:
    if key not in parent:
        parent[key] = tomlkit.table()
    table: Table = parent[key]
    return table


def _uncommented(text: str, kommo: Table, wanted: dict[str, str]) -> str:
    """Return the text with values in the commented lines that wait for them in [kommo]."""
    for key, value in wanted.items():
        if not value or key in kommo:
            continue
        line = f"{key} = {json.dumps(value)}"
        escaped = line.replace("\\", r"\\")
        candidate = re.sub(rf"(?m)^#\s*{key}\s*=.*$", escaped, text, count=1)
        try:
            is_right = tomlkit.parse(candidate).unwrap().get("kommo", {}).get(key) == value
        except TOMLKitError:
            continue
        text = candidate if is_right else text
    return text
