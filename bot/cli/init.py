"""`init`: asks what is needed, tries it at once, and writes the settings file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.init_file import InitError, must_be_writable, write
from bot.cli.init_next import INSTALLED, tell_next
from bot.cli.init_questions import address, ask, ask_account, ask_channel
from bot.cli.init_tries import try_bot
from bot.cli.terminal import say_text
from bot.cli.usage import PlainTyper
from bot.http.routes import Routes
from bot.settings.file import Earlier, Values, changed
from bot.settings.location import FILE_VARIABLE
from bot.settings.network import routes_from
from bot.settings.new_file import new_file

app = PlainTyper()

TELEGRAM = "https://api.telegram.org"
TELEGRAM_VARIABLE = "KOMMO_TELEGRAM__TELEGRAM__API_URL"
PROXY_VARIABLE = "KOMMO_TELEGRAM__NETWORK__PROXY"

ACCOUNT = """
3. The Kommo account: example, if you open it at https://example.kommo.com (or its
   address, as the browser shows it), and a long-lived token from your integration's
   "Keys" tab. Leave the token empty to allow access in the browser instead (OAuth)."""

CHANNEL = """
4. The channel. Kommo support tells id and secret, 1 to 3 working days after you
   asked. Until then leave both empty: everything else can be done and checked today."""


STOPPED = """
Stopped: nothing was written or changed. `kommo-telegram init` asks again from the start."""


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
    must_be_writable(file)
    try:
        _ask_and_write(file, before, environ, _routes(file, before, environ))
    except (typer.Abort, KeyboardInterrupt):
        say_text(STOPPED, err=True)
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
    token, me = ask(
        "Bot token", lambda text: (text, try_bot(routes, api_url, text)), secret=old_token
    )
    say_text(f"   It works: @{me['username']}\n")
    say_text("2. The public address of this bridge, such as https://bridge.example.com")
    public_url = ask("Public address", address, old=before.get("public_url"))
    say_text(ACCOUNT)
    account = ask_account(before, environ, routes, public_url)
    say_text(CHANNEL)
    channel = ask_channel(before)
    values = Values(
        public_url=public_url,
        token=token,
        name=str(me["first_name"]) if token != old_token else None,
        username=str(me["username"]),
        telegram_url=None if before.text else api_url,
        account=account,
        channel_id=channel.id,
        channel_secret=channel.secret,
        channel_code=channel.code if channel.is_known else None,
        channel_bot_id=channel.bot_id if channel.is_known else None,
    )
    write(file, changed(before, values) if before.text else new_file(values))
    say_text(f"\nWritten: {file} (only you can read it)")
    tell_next(file, environ, values, is_known=channel.is_known)
