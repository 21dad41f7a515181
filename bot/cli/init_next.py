"""The end of `init`: what can be done now, the request for support, the next steps."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bot.account.consent import consent_url
from bot.cli.terminal import say_text
from bot.settings import load
from bot.settings.file import Values
from bot.translate.outgoing.emoji import ALLOWED

INSTALLED = Path("/etc/kommo-telegram")
NUMBER_UNKNOWN = "(the number in the address of Settings, or ask Kommo support)"
KEYS_TAB = '(from the integration\'s "Keys" tab)'

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
  {check:<30}    looks at bot, token, public address and certificate
  kommo-telegram widget FILE.zip    the archive to upload in the integration's settings
  kommo-telegram demo               shows what it will be like, without any account
  and send the request to Kommo support:
"""

WHEN_ANSWERED = """
When support has answered, run `{command} init` again: Enter keeps what you entered today,
and only what support tells of the channel is new: id, secret, code, the id of its bot. (Or
put them into {file}.) Then start the service; it cannot run before.
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


def tell_next(file: Path, environ: Mapping[str, str], values: Values, *, is_known: bool) -> None:
    """Say what can be done now, what to send to support, and what to do when it answers."""
    command = "sudo kommo-telegram" if file.parent == INSTALLED else "kommo-telegram"
    account = values.account
    if not is_known:
        say_text(TODAY.format(check=f"{command} check"))
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
