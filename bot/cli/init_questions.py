"""The questions of `init`: each is asked until the answer can be used."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import typer

from bot.cli.init_tries import WrongError, try_account
from bot.cli.terminal import plain, say_text
from bot.http.routes import Routes
from bot.settings.account_hosts import account_host
from bot.settings.file import Account, Earlier, Integration
from bot.settings.types import safe_address

MASK, NOTHING = "********", "-"
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KOMMO_VARIABLE = "KOMMO_TELEGRAM__KOMMO__API_URL"
CONSENT_PATH = "/oauth/kommo"

CODES = """
5. Two more lines of the same answer; leave empty what it does not have.
   The code (amo.ext.…) ties the sources of your bots to this channel.
   The id of the channel's bot stands for whoever answered outside of Kommo: `import` needs it."""

T = TypeVar("T")


@dataclass(frozen=True)
class Channel:
    """What Kommo support tells; empty as long as it has not answered."""

    id: str
    secret: str
    code: str = ""
    bot_id: str = ""

    @property
    def is_known(self) -> bool:
        """Whether both are there."""
        return bool(self.id and self.secret)


def ask(
    question: str,
    take: Callable[[str], T],
    *,
    old: str = "",
    secret: str = "",
    is_optional: bool = False,
    may_end: bool = False,
) -> T:
    """Ask until the answer can be used.

    Args:
        question: what is asked for.
        take: reads the answer.
        old: the value that is there, which Enter keeps.
        secret: the same, never shown.
        is_optional: whether Enter may also stand for nothing.
        may_end: whether the end of a file of answers stands for Enter.
    """
    kept = old or secret
    away = f", {NOTHING} takes it away" if is_optional else ""
    shown = f" (Enter keeps {MASK if secret else old}{away})" if kept else ""
    default = kept or ("" if is_optional else None)
    while True:
        try:
            answer = _answer_to(f"{question}{plain(shown)}", default, may_end=may_end)
            return take("" if is_optional and answer == NOTHING else answer)
        except WrongError as error:
            say_text(f"   {error}", err=True)


def _answer_to(question: str, default: str | None, *, may_end: bool) -> str:
    """Return what is typed, or the default."""
    try:
        return str(typer.prompt(question, default=default, show_default=False)).strip()
    except typer.Abort as end:
        is_end_of_file = isinstance(end.__context__, EOFError) and not sys.stdin.isatty()
        if default is None or not (may_end and is_end_of_file):
            raise
        say_text("")
        return default


def ask_account(
    before: Earlier, environ: Mapping[str, str], routes: Routes, public_url: str
) -> Account:
    """Return the account and what opens it."""
    api_url = environ.get(KOMMO_VARIABLE, "")
    old_token = before.get("kommo", "access_token")
    old_name = before.account

    def take(text: str) -> Account:
        host, own = account_host(text), text if text == old_name else ""
        if not host and not own:
            raise WrongError(
                "only the account's name, such as example, or its address, such as "
                "https://example.kommo.com or https://example.amocrm.ru"
            )
        token = ask("Long-lived token", _token, secret=old_token, is_optional=True)
        own = api_url or ("" if host else own)
        url = own or f"https://{host}"
        if not token:
            return Account(host, own, oauth=_ask_integration(before, public_url))
        account = try_account(routes, url, token)
        say_text(f"   It works: {account['name']}")
        return Account(
            host, own, token=token, id=str(account["amojo_id"]), number=str(account["id"])
        )

    return ask("Account name", take, old=old_name)


def _ask_integration(before: Earlier, public_url: str) -> Integration:
    """Return an integration that is allowed access in the browser."""
    redirect_uri = f"{public_url}{CONSENT_PATH}"
    say_text(f"   The integration's redirect address has to be {redirect_uri}")
    old = before.get("kommo", "oauth", "client_id")
    old_secret = before.get("kommo", "oauth", "client_secret")
    client_id = ask("Integration id", _given, old=old)
    client_secret = ask("Secret key", _given, secret=old_secret)
    return Integration(client_id, client_secret, redirect_uri)


def _token(text: str) -> str:
    """Return a long-lived token, which may be left out."""
    token = text.removeprefix("Bearer ").strip()
    return _given(token) if token else ""


def _given(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise WrongError("copy it from the integration's Keys tab, without spaces")
    return text


def ask_channel(before: Earlier) -> Channel:
    """Return the channel, as far as it is known."""
    old, old_secret = before.get("kommo", "channel_id"), before.get("kommo", "channel_secret")
    channel = Channel(
        ask("Channel id", _channel_id, old=old, is_optional=True),
        ask("Channel secret", _channel_secret, secret=old_secret, is_optional=True),
    )
    return _with_codes(channel, before) if channel.is_known else channel


def _with_codes(channel: Channel, before: Earlier) -> Channel:
    """Return the channel with what else support has told, and what it is good for."""
    say_text(CODES)
    old_code, old_bot = before.get("kommo", "channel_code"), before.get("kommo", "channel_bot_id")
    code = ask("Channel code", _channel_code, old=old_code, is_optional=True, may_end=True)
    bot_id = ask("Id of its bot", _bot_id, old=old_bot, is_optional=True, may_end=True)
    return replace(channel, code=code, bot_id=bot_id)


def _channel_id(text: str) -> str:
    """Return the id of a channel, which may be left out."""
    if text and not UUID.fullmatch(text):
        raise WrongError(
            "a channel id looks like 11111111-2222-4333-8444-555555555555 (a UUID); the code "
            "amo.ext.… and the scope_id are something else. Leave it empty until support answers"
        )
    return text.lower()


def _channel_secret(text: str) -> str:
    """Return the secret of a channel, which may be left out."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise WrongError("copy it from the answer of Kommo support, without spaces")
    return text


def _channel_code(text: str) -> str:
    """Return the code of a channel, which may be left out."""
    if UUID.fullmatch(text) or not text.isascii() or not text.isprintable() or " " in text:
        raise WrongError("a channel code looks like amo.ext.12345678; leave it empty if none came")
    return text


def _bot_id(text: str) -> str:
    """Return the id of a channel's bot, which may be left out."""
    if text and not UUID.fullmatch(text):
        raise WrongError(
            "the bot's id looks like 11111111-2222-4333-8444-555555555555 (a UUID); it is not "
            "the id of the bot in Telegram. Leave it empty if none came"
        )
    return text.lower()


def address(text: str) -> str:
    """Return the address as the settings take it."""
    if account_host(text) and "." in text:
        raise WrongError("this is an address of Kommo's: the bridge needs one of your own server")
    try:
        return safe_address(text)
    except ValueError as error:
        raise WrongError(
            f"{error}; it has to begin with https:// and be reachable from the internet"
        ) from error
