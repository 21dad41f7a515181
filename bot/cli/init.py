"""`init`: asks what is needed, tries it at once, and writes the settings file."""

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer

from bot.account.consent import consent_url
from bot.cli.terminal import plain, say_text
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from bot.http.clients import http_client
from bot.http.routes import Routes
from bot.operate.check.connection_errors import why
from bot.settings import FILE_VARIABLE, load
from bot.settings.account_hosts import account_host
from bot.settings.file import (
    Account,
    Earlier,
    Integration,
    Values,
    changed,
    new_file,
)
from bot.settings.network import routes_from
from bot.settings.types import safe_address
from bot.translate.outgoing.emoji import ALLOWED

app = PlainTyper()

MASK, NOTHING = "********", "-"
TELEGRAM = "https://api.telegram.org"
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
INSTALLED = Path("/etc/kommo-telegram")
TIMEOUT_S = 15.0
TELEGRAM_VARIABLE = "KOMMO_TELEGRAM__TELEGRAM__API_URL"
KOMMO_VARIABLE = "KOMMO_TELEGRAM__KOMMO__API_URL"
PROXY_VARIABLE = "KOMMO_TELEGRAM__NETWORK__PROXY"
CONSENT_PATH = "/oauth/kommo"
NUMBER_UNKNOWN = "(the number in the address of Settings, or ask Kommo support)"
KEYS_TAB = '(from the integration\'s "Keys" tab)'
UNAUTHORIZED, NOT_FOUND, OK = 401, 404, 200

T = TypeVar("T")

REQUEST = """
Send this to Kommo support (the chat in your account, or the contact form); it takes 1 to 3 working
days. Reference: Kommo, Registration of a channel.
----------------------------------------------------------------------
Please register a chat channel for our private integration.
Service name: Telegram
Webhook URL: {public_url}/webhooks/kommo/:scope_id
  (with the literal text :scope_id, which you replace on every webhook)
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

TODAY = """
What you can do today, before Kommo support has answered:
  {command} check              looks at bot, token, public address and certificate
  {command} widget FILE.zip    the archive to upload in the integration's settings
  {command} demo               shows what it will be like, without any account
  and send the request to Kommo support:
"""

WHEN_ANSWERED = """
When support has answered, run `{command} init` again: Enter keeps what you entered today,
and only channel id and secret are new. (Or put channel_id and channel_secret into
{file}.) The channel's code and the bot's id of the answer go
into the lines channel_code and channel_bot_id. Then start the service; it cannot run before.
"""

EXPLAINED = """
Where the values come from:
  channel id, secret   Kommo support sends them in its answer; nothing in the account shows them.
  amojo id             the account's id in chats; `init` looks it up with an access token.
  scope_id             nobody sends it: it is the channel id and the amojo id, joined by "_".
                       The bridge makes it when it connects the channel.
"""


START = {
    True: "sudo systemctl restart kommo-telegram   (starts the service too)",
    False: "kommo-telegram run   (if it runs already, end it first with Ctrl-C)",
}
"""How new settings come into effect, where the service is installed and where it is not."""


class InitError(BridgeError):
    """The settings file cannot be read or written."""


class WrongError(Exception):
    """An answer that cannot be right; the text says why."""


@dataclass(frozen=True)
class Channel:
    """What Kommo support tells; empty as long as it has not answered."""

    id: str
    secret: str

    @property
    def is_known(self) -> bool:
        """Whether both are there."""
        return bool(self.id and self.secret)


@app.command()
def init(
    context: typer.Context,
    _yes: Annotated[bool, typer.Option("--yes", "-y", hidden=True)] = False,
) -> None:
    """Ask for what is needed, test it, and write the settings file.

    Run it again to change something: it offers the present values, and keeps comments and all
    other settings.
    """
    environ = os.environ
    named = context.obj or environ.get(FILE_VARIABLE)
    file = (
        Path(named) if named else (INSTALLED if INSTALLED.is_dir() else Path.cwd()) / "config.toml"
    )
    before = Earlier.read(file)
    try:
        _ask_and_write(file, before, environ, _routes(file, before, environ))
    except (typer.Abort, KeyboardInterrupt):
        say_text("\nStopped: nothing was written or changed.", err=True)
        raise typer.Exit(1) from None


def _routes(file: Path, before: Earlier, environ: Mapping[str, str]) -> Routes:
    """Return the way out: that of the settings that are there, or of the usual variables."""
    proxy = environ.get(PROXY_VARIABLE) or before.get("network", "proxy")
    try:
        return routes_from(environ, proxy, before.texts("network", "no_proxy"))
    except ValueError as error:
        raise InitError(f"network.proxy {error}: correct it in {file}") from None


def _ask_and_write(
    file: Path, before: Earlier, environ: Mapping[str, str], routes: Routes
) -> None:
    if before.text:
        say_text(f"{file} is there already. Enter keeps a value that is in it; the rest stays.\n")
    api_url = environ.get(TELEGRAM_VARIABLE) or before.get("telegram", "api_url") or TELEGRAM
    say_text("1. The bot. In Telegram, @BotFather makes one with /newbot and gives its token.")
    old_token = before.get("telegram", "bots", 0, "token")
    token, me = _ask(
        "Bot token", lambda text: (text, _try_bot(routes, api_url, text)), secret=old_token
    )
    say_text(f"   It works: @{me['username']}\n")
    say_text("2. The public address of this bridge, such as https://bridge.example.com")
    public_url = _ask("Public address", _address, old=before.get("public_url"))
    say_text(
        "\n3. The Kommo account: example, if you open it at https://example.kommo.com (or its"
    )
    say_text(
        "   address, as the browser shows it), and a long-lived token from your integration's"
    )
    say_text(
        '   "Keys" tab. Leave the token empty to allow access in the browser instead (OAuth).'
    )
    account = _ask_account(before, environ, routes, public_url)
    say_text("\n4. The channel. Kommo support tells id and secret, 1 to 3 working days after you")
    say_text(
        "   asked. Until then leave both empty: everything else can be done and checked today."
    )
    channel = _ask_channel(before)
    values = Values(
        public_url=public_url,
        token=token,
        name=str(me["first_name"]) if token != old_token else None,
        username=str(me["username"]),
        telegram_url=None if before.text else api_url,
        account=account,
        channel_id=channel.id,
        channel_secret=channel.secret,
    )
    _write(file, changed(before, values) if before.text else new_file(values))
    say_text(f"\nWritten: {file} (only you can read it)")
    _tell_next(file, environ, values, is_known=channel.is_known)


def _tell_next(file: Path, environ: Mapping[str, str], values: Values, *, is_known: bool) -> None:
    """Say what can be done now, what to send to support, and what to do when it answers."""
    command = "sudo kommo-telegram" if file.parent == INSTALLED else "kommo-telegram"
    account = values.account
    if not is_known:
        say_text(TODAY.format(command=command))
        say_text(
            REQUEST.format(
                public_url=values.public_url,
                account_number=account.number or NUMBER_UNKNOWN,
                integration=account.oauth.client_id if account.oauth else KEYS_TAB,
                reactions="".join(sorted(ALLOWED)),
            )
        )
        say_text(WHEN_ANSWERED.format(command=command, file=file))
    say_text(EXPLAINED)
    if account.oauth and not account.token:
        _tell_consent(file, environ, has_channel=is_known)
    say_text(f"{'Next: ' if is_known else 'Now:'} {command} check")
    if is_known:
        say_text(f"Then:  {START[file.parent == INSTALLED]}")


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
        say_text("an administrator of the account opens this link (valid for a day;")
        say_text(f"`kommo-telegram check` makes a new one):\n\n{link}\n")


def _ask(
    question: str,
    take: Callable[[str], T],
    *,
    old: str = "",
    secret: str = "",
    is_optional: bool = False,
) -> T:
    """Ask until the answer can be used.

    Args:
        question: what is asked for.
        take: reads the answer.
        old: the value that is there, which Enter keeps.
        secret: the same, never shown.
        is_optional: whether Enter may also stand for nothing.
    """
    kept = old or secret
    away = f", {NOTHING} takes it away" if is_optional else ""
    shown = f" (Enter keeps {MASK if secret else old}{away})" if kept else ""
    default = kept or ("" if is_optional else None)
    while True:
        try:
            answer = typer.prompt(f"{question}{plain(shown)}", default=default, show_default=False)
            answer = str(answer).strip()
            return take("" if is_optional and answer == NOTHING else answer)
        except WrongError as error:
            say_text(f"   {error}", err=True)


def _ask_account(
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
        token = _ask("Long-lived token", _token, secret=old_token, is_optional=True)
        own = api_url or ("" if host else own)
        url = own or f"https://{host}"
        if not token:
            return Account(host, own, oauth=_ask_integration(before, public_url))
        account = _try_account(routes, url, token)
        say_text(f"   It works: {account['name']}")
        return Account(
            host, own, token=token, id=str(account["amojo_id"]), number=str(account["id"])
        )

    return _ask("Account name", take, old=old_name)


def _ask_integration(before: Earlier, public_url: str) -> Integration:
    """Return an integration that is allowed access in the browser."""
    redirect_uri = f"{public_url}{CONSENT_PATH}"
    say_text(f"   The integration's redirect address has to be {redirect_uri}")
    old = before.get("kommo", "oauth", "client_id")
    old_secret = before.get("kommo", "oauth", "client_secret")
    client_id = _ask("Integration id", _given, old=old)
    client_secret = _ask("Secret key", _given, secret=old_secret)
    return Integration(client_id, client_secret, redirect_uri)


def _token(text: str) -> str:
    """Return a long-lived token, which may be left out."""
    token = text.removeprefix("Bearer ").strip()
    return _given(token) if token else ""


def _given(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise WrongError("copy it from the integration's Keys tab, without spaces")
    return text


def _ask_channel(before: Earlier) -> Channel:
    """Return the channel, as far as it is known."""
    old, old_secret = before.get("kommo", "channel_id"), before.get("kommo", "channel_secret")
    return Channel(
        _ask("Channel id", _channel_id, old=old, is_optional=True),
        _ask("Channel secret", _channel_secret, secret=old_secret, is_optional=True),
    )


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


def _address(text: str) -> str:
    """Return the address as the settings take it."""
    if account_host(text) and "." in text:
        raise WrongError("this is an address of Kommo's: the bridge needs one of your own server")
    try:
        return safe_address(text)
    except ValueError as error:
        raise WrongError(
            f"{error}; it has to begin with https:// and be reachable from the internet"
        ) from error


def _try_bot(routes: Routes, api_url: str, token: str) -> dict[str, Any]:
    """Return what Telegram says of the bot. Reference: Bot API, getMe."""
    if not token.partition(":")[0].isdigit():
        raise WrongError("a token looks like 700001:AA..., copy all of it")
    answer = _get(routes, f"{api_url}/bot{token}/getMe", {})
    if answer.status_code in {UNAUTHORIZED, NOT_FOUND}:
        raise WrongError("Telegram does not know this token; copy it again from @BotFather")
    me = _json(answer).get("result")
    if not isinstance(me, dict) or not {"username", "first_name"} <= me.keys():
        raise WrongError("an unexpected answer; check the address of Telegram")
    return me


def _try_account(routes: Routes, url: str, token: str) -> dict[str, Any]:
    """Return what Kommo says of the account. Reference: Kommo, Account parameters."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = _get(routes, f"{url}/api/v4/account?with=amojo_id", headers)
    if answer.status_code == UNAUTHORIZED:
        raise WrongError("Kommo does not accept this token; make a new one, on one line")
    account = _json(answer)
    if not account.get("amojo_id") or not {"id", "name"} <= account.keys():
        raise WrongError("Kommo did not return the account's amojo id; is this the right account?")
    return account


def _get(routes: Routes, url: str, headers: dict[str, str]) -> httpx.Response:
    """Ask; the address holds a token, so no error of the network is shown as it is."""
    try:
        return asyncio.run(_fetched(routes, url, headers))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        words, remedy = why(error)
        if words:
            raise WrongError(f"no answer: {words}; {remedy}") from error
        raise WrongError(f"no answer ({type(error).__name__}); check the network") from error


async def _fetched(routes: Routes, url: str, headers: dict[str, str]) -> httpx.Response:
    async with http_client(routes, timeout=TIMEOUT_S) as http:
        return await http.get(url, headers=headers)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
        if answer.status_code == OK and isinstance(body, dict):
            return body
    except ValueError:
        pass
    raise WrongError(f"an unexpected answer, status {answer.status_code}; check the address")


def _write(file: Path, text: str) -> None:
    """Write the file as a whole, for its owner only; where it cannot be, all stays as it was."""
    place = file.resolve() if file.exists() else file
    draft = place.with_name(f".{place.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text.encode())
        if place.exists():
            _give_to_owner_of(place, draft)
        draft.replace(place)
    except BaseException as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = f"cannot write {file}: {error.strerror}; run it as root?"
            raise InitError(reason) from error
        raise


def _give_to_owner_of(place: Path, draft: Path) -> None:
    """Let the new file belong to whom the old one did, where this user may do that."""
    owner = place.stat()
    with contextlib.suppress(PermissionError):
        os.chown(draft, owner.st_uid, owner.st_gid)
