"""A new settings file, as `init` writes it."""

import json

from bot.settings.account_hosts import RUSSIAN, end_of
from bot.settings.file import EXAMPLE_CODE, Account, Values

NEW = """\
# Written by `kommo-telegram init`. config.example.toml explains every setting.

# The address under which Kommo reaches this bridge; the reverse proxy passes it on to [listen].
public_url = {public_url}

[kommo]
# What Kommo support sends when the channel is registered.
{channel}
# The account, and access to it.
{account}
[telegram]
api_url = {telegram_url}

[[telegram.bots]]
# From @BotFather: @{username}
token = {token}
name = {name}
# The external_id of its Kommo source, for `kommo-telegram sources sync`.
# source = "sales"
"""


def new_file(values: Values) -> str:
    """Return a new settings file."""
    return NEW.format(
        public_url=json.dumps(values.public_url),
        channel=_channel_lines(values),
        account=_account_lines(values.account),
        telegram_url=json.dumps(values.telegram_url),
        username=values.username,
        token=json.dumps(values.token),
        name=json.dumps(values.name, ensure_ascii=False),
    )


def _channel_lines(values: Values) -> str:
    """Return the lines of what support tells; what is not known yet waits as a comment."""
    lines = {
        "channel_id": (values.channel_id, ""),
        "channel_secret": (values.channel_secret, ""),
        "channel_code": (values.channel_code, EXAMPLE_CODE),
        "channel_bot_id": (values.channel_bot_id, ""),
    }
    return "\n".join(
        f"{key} = {json.dumps(value)}" if value else f"# {key} = {json.dumps(example)}"
        for key, (value, example) in lines.items()
    )


def _account_lines(account: Account) -> str:
    key, value = account.place
    lines = [f"{key} = {json.dumps(value)}"]
    if end_of(account.host) == RUSSIAN:
        lines.append(f"chats_url = {json.dumps(account.chats_url)}")
    if account.token:
        lines.append(f"access_token = {json.dumps(account.token)}")
        lines.append(f"account_id = {json.dumps(account.id)}")
    if account.oauth:
        lines += ["", "[kommo.oauth]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in vars(account.oauth).items()]
    return "\n".join(lines) + "\n"
