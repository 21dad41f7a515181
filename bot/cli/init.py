"""`init`: asks what is needed, tries it at once, and writes the settings file."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import typer

from bot.certificates import certificates
from bot.cli.terminal import say_text
from bot.errors import BridgeError
from bot.operate.consent import consent_url
from bot.settings import load
from bot.settings_types import safe_address
from bot.translate.emoji import ALLOWED

INSTALLED = Path("/etc/kommo-telegram")
TIMEOUT_S = 15.0
TELEGRAM_VARIABLE = "KOMMO_TELEGRAM__TELEGRAM__API_URL"
KOMMO_VARIABLE = "KOMMO_TELEGRAM__KOMMO__API_URL"
CONSENT_PATH = "/oauth/kommo"
NUMBER_UNKNOWN = "(the number in the address of Settings, or ask Kommo support)"
KEYS_TAB = '(from the integration\'s "Keys" tab)'
UNAUTHORIZED, NOT_FOUND, OK = 401, 404, 200

T = TypeVar("T")

SETTINGS = """\
# Written by `kommo-telegram init`. config.example.toml explains every setting.

# The address under which Kommo reaches this bridge; the reverse proxy passes it on to [listen].
public_url = {public_url}

[kommo]
# What Kommo support sends when the channel is registered.
{channel}
# The account, and access to it.
{account}
[telegram]
{telegram_url}
[[telegram.bots]]
# From @BotFather: @{username}
token = {token}
name = {name}
# The external_id of its Kommo source, for `kommo-telegram sources sync`.
# source = "sales"
"""

REQUEST = """
Send this to Kommo support (the chat in your account, or the contact form); it takes 1 to 3 working
days. Reference: Kommo, Registration of a channel.
----------------------------------------------------------------------
Please register a chat channel for our private integration.
Service name: Telegram
Webhook URL: {public_url}/webhooks/kommo/:scope_id
  (with the literal text :scope_id, which you replace on every hook)
Account id: {account_number}
Integration id: {integration}
Widget code: (Kommo shows it after you upload the archive of `kommo-telegram widget FILE.zip`)
Contact e-mail: (yours)
Icon: (attach an SVG, a circle of 14x14 pixels, at most 100 KB: docs/icon.svg is one)
Public or private: private
Write First: yes, by phone number; message templates are supported
Time window: none
Files: the integration keeps them; links in messages can be downloaded for 30 days
Largest file: 50 MB
Quoting, voice messages, typing: please turn them on
Reactions: please turn them on; these emoji: {reactions}
----------------------------------------------------------------------
"""

EXPLAINED = """
Where the values come from:
  channel id, secret   Kommo support sends them in its answer; nothing in the account shows them.
  amojo id             the account's id in chats; `init` looks it up with an access token.
  scope_id             nobody sends it: it is the channel id and the amojo id, joined by "_".
                       The bridge makes it when it connects the channel.
"""


class InitError(BridgeError):
    """The settings file cannot be written."""


class WrongError(Exception):
    """An answer that cannot be right; the text says why."""


def init(target: Path | None, environ: Mapping[str, str], *, is_confirmed: bool) -> None:
    """Ask, try, write, and say what to do next."""
    file = target or (INSTALLED if INSTALLED.is_dir() else Path.cwd()) / "config.toml"
    if file.exists() and not is_confirmed:
        typer.confirm(f"{file} is there already. Write a new one in its place?", abort=True)
    api_url = environ.get(TELEGRAM_VARIABLE, "https://api.telegram.org")
    say_text("1. The bot. In Telegram, @BotFather makes one with /newbot and gives its token.")
    token, me = _ask("Bot token", lambda text: (text, _try_bot(api_url, text)))
    say_text(f"   It works: @{me['username']}\n")
    say_text("2. The public address of this bridge, such as https://bridge.example.com")
    public_url = _ask("Public address", _address)
    say_text("\n3. The Kommo account: example, if you open it at https://example.kommo.com, and")
    say_text('   a long-lived token from your integration\'s "Keys" tab. Leave the token')
    say_text("   empty to allow access in the browser instead (OAuth).")
    account, number = _ask_account(environ, public_url)
    say_text("\n4. The channel. Leave these empty as long as Kommo support has not answered.")
    channel = _ask_channel()
    text = SETTINGS.format(
        public_url=json.dumps(public_url),
        channel=channel,
        account=account,
        telegram_url=f"api_url = {json.dumps(api_url)}\n",
        username=me["username"],
        token=json.dumps(token),
        name=json.dumps(me["first_name"], ensure_ascii=False),
    )
    _write(file, text)
    say_text(f"\nWritten: {file} (only you can read it)")
    if channel.startswith("#"):
        reactions = "".join(sorted(ALLOWED))
        say_text(
            REQUEST.format(
                public_url=public_url,
                account_number=number,
                integration=_integration_of(account),
                reactions=reactions,
            )
        )
        say_text(f"When the answer is there, put channel_id and channel_secret into {file}.")
    say_text(EXPLAINED)
    if "[kommo.oauth]" in account:
        _tell_consent(file, environ, has_channel=not channel.startswith("#"))
    command = "sudo kommo-telegram" if file.parent == INSTALLED else "kommo-telegram"
    say_text(f"{'Then' if channel.startswith('#') else 'Next'}: {command} check")


def _tell_consent(file: Path, environ: Mapping[str, str], *, has_channel: bool) -> None:
    """Print the link to the consent; a running bridge completes it."""
    say_text("To allow the access, while `kommo-telegram run` runs behind your public address:")
    if not has_channel:
        say_text("`kommo-telegram check` prints the link, once channel_id and channel_secret")
        say_text("are in the settings.\n")
        return
    kommo = load(file, environ).kommo
    if kommo.oauth is not None:
        link = consent_url(kommo, kommo.oauth, now=datetime.now(UTC), random=secrets.token_bytes)
        say_text("an administrator of the account opens this link (good for a day;")
        say_text(f"`kommo-telegram check` makes a new one):\n\n{link}\n")


def _ask(question: str, take: Callable[[str], T]) -> T:
    """Ask until the answer can be used."""
    while True:
        try:
            return take(typer.prompt(question).strip())
        except WrongError as error:
            say_text(f"   {error}", err=True)


def _ask_account(environ: Mapping[str, str], public_url: str) -> tuple[str, str]:
    """Return the account's lines for the file, and its number for the request."""
    api_url = environ.get(KOMMO_VARIABLE)

    def take(text: str) -> tuple[str, str]:
        subdomain = text.removeprefix("https://").rstrip("/").removesuffix(".kommo.com")
        if not subdomain.isascii() or not subdomain.replace("-", "").isalnum():
            raise WrongError("only the name: the part before .kommo.com")
        token = typer.prompt("Long-lived token", default="", show_default=False).strip()
        place = f"api_url = {json.dumps(api_url)}" if api_url else f'subdomain = "{subdomain}"'
        if not token:
            return f"{place}\n{_ask_integration(public_url)}", NUMBER_UNKNOWN
        account = _try_account(api_url or f"https://{subdomain}.kommo.com", token)
        say_text(f"   It works: {account['name']}")
        return (
            f"{place}\naccess_token = {json.dumps(token)}\n"
            f"account_id = {json.dumps(account['amojo_id'])}\n"
        ), str(account["id"])

    return _ask("Account name", take)


def _ask_integration(public_url: str) -> str:
    """Return the table of an integration that is allowed access in the browser."""
    redirect_uri = f"{public_url}{CONSENT_PATH}"
    say_text(f"   The integration's redirect address has to be {redirect_uri}")
    client_id = _ask("Integration id", _given)
    client_secret = _ask("Secret key", _given)
    return (
        "\n[kommo.oauth]\n"
        f"client_id = {json.dumps(client_id)}\nclient_secret = {json.dumps(client_secret)}\n"
        f"redirect_uri = {json.dumps(redirect_uri)}\n"
    )


def _integration_of(account: str) -> str:
    """Return the integration's id from the account's lines, if it was asked for."""
    found = [line for line in account.splitlines() if line.startswith("client_id = ")]
    return str(json.loads(found[0].partition(" = ")[2])) if found else KEYS_TAB


def _given(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise WrongError("copy it from the integration's Keys tab, without spaces")
    return text


def _ask_channel() -> str:
    """Return the channel's lines, commented out as long as they are not known."""
    channel_id = typer.prompt("Channel id", default="", show_default=False).strip()
    secret = typer.prompt("Channel secret", default="", show_default=False).strip()
    mark = "" if channel_id and secret else "# "
    return (
        f"{mark}channel_id = {json.dumps(channel_id)}\n{mark}channel_secret = {json.dumps(secret)}"
        '\n# channel_code = "amo.ext.12345678"\n# channel_bot_id = ""'
    )


def _address(text: str) -> str:
    """Return the address as the settings take it."""
    try:
        return safe_address(text)
    except ValueError as error:
        raise WrongError(
            f"{error}; it has to begin with https:// and to be reachable from the internet"
        ) from error


def _try_bot(api_url: str, token: str) -> dict[str, Any]:
    """Return what Telegram says of the bot. Reference: Bot API, getMe."""
    if not token.partition(":")[0].isdigit():
        raise WrongError("a token looks like 700001:AA..., copy all of it")
    answer = _get(f"{api_url}/bot{token}/getMe", {})
    if answer.status_code in {UNAUTHORIZED, NOT_FOUND}:
        raise WrongError("Telegram does not know this token; copy it again from @BotFather")
    me = _json(answer).get("result")
    if not isinstance(me, dict) or not {"username", "first_name"} <= me.keys():
        raise WrongError("an unexpected answer; check the address of Telegram")
    return me


def _try_account(url: str, token: str) -> dict[str, Any]:
    """Return what Kommo says of the account. Reference: Kommo, Account parameters."""
    answer = _get(f"{url}/api/v4/account?with=amojo_id", {"Authorization": f"Bearer {token}"})
    if answer.status_code == UNAUTHORIZED:
        raise WrongError("Kommo does not accept this token; make a new one, on one line")
    account = _json(answer)
    if not account.get("amojo_id") or not {"id", "name"} <= account.keys():
        raise WrongError("Kommo does not tell the account's amojo id; is this the account?")
    return account


def _get(url: str, headers: dict[str, str]) -> httpx.Response:
    """Ask; the address holds a token, so no error of the network is shown as it is."""
    try:
        return httpx.get(url, headers=headers, timeout=TIMEOUT_S, verify=certificates())
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise WrongError(f"no answer ({type(error).__name__}); check the network") from error


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
        if answer.status_code == OK and isinstance(body, dict):
            return body
    except ValueError:
        pass
    raise WrongError(f"an unexpected answer, status {answer.status_code}; check the address")


def _write(file: Path, text: str) -> None:
    """Write the file as a whole, for its owner only."""
    draft = file.with_name(f".{file.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
        draft.replace(file)
    except OSError as error:
        raise InitError(f"cannot write {file}: {error.strerror}; run it as root?") from error
