"""Settings that nobody filled in: the example's own values, and words that stand for a value."""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.settings import Settings

EXAMPLES = frozenset(
    {
        "0000000000000000000000000000000000fake00",
        "700001:FAKE-TOKEN-FROM-BOTFATHER-0123456789",
        "700002:FAKE-TOKEN-FROM-BOTFATHER-0123456789",
        "fake-long-lived-token",
    }
)
"""The secrets of config.example.toml; a test compares them."""

_RESERVED = re.compile(r"(?:.+\.)?(?:example(?:\.(?:com|net|org))?|invalid|test)", re.IGNORECASE)
"""Names that lead nowhere. Reference: RFC 2606."""

_STANDS_FOR = re.compile(
    r"(?:<.*>|\{.*\}|\[.*\]|\$.*|[.*_-]+|x{3,}|"
    r"(?:your|my|the|paste|put|insert|enter|replace|change)(?:[-_ .].*|[a-z]{0,20})|"
    r".*(?:change|replace|fill)[-_ ]?(?:me|this|in)|.*[-_ ]here|todo|tbd|none|null|"
    r"secret|token|placeholder|example|dummy|test|password|channel[-_ ]?secret|bot[-_ ]?token)",
    re.IGNORECASE,
)
_MOSTLY = 24
"""So many of a UUID's 32 digits are alike in none that was made at random."""


def is_placeholder(value: str) -> bool:
    """Tell whether a text only stands for a value."""
    return value in EXAMPLES or len(set(value)) == 1 or bool(_STANDS_FOR.fullmatch(value.strip()))


def is_no_uuid(value: str) -> bool:
    """Tell whether a UUID was written by hand: zeros, or one digit after the other."""
    digits = value.replace("-", "").lower()
    return not digits or max(Counter(digits).values()) >= _MOSTLY or digits.startswith("12345678")


def is_reserved(url: str) -> bool:
    """Tell whether an address leads nowhere, as those of examples do."""
    return bool(_RESERVED.fullmatch(urlsplit(url).hostname or ""))


def placeholders(settings: Settings) -> Iterator[str]:
    """Yield the names of settings whose values nobody filled in."""
    kommo = settings.kommo
    if is_reserved(settings.public_url):
        yield "public_url"
    for name in ("channel_id", "account_id", "channel_bot_id"):
        if (value := getattr(kommo, name)) is not None and is_no_uuid(value):
            yield f"kommo.{name}"
    for name in ("channel_secret", "access_token"):
        if (secret := getattr(kommo, name)) and is_placeholder(secret.get_secret_value()):
            yield f"kommo.{name}"
    if kommo.oauth and is_placeholder(kommo.oauth.client_secret.get_secret_value()):
        yield "kommo.oauth.client_secret"
    for number, bot in enumerate(settings.telegram.bots):
        token = bot.token.get_secret_value()
        if token in EXAMPLES or is_placeholder(token.partition(":")[2]):
            yield f"telegram.bots[{number}].token"
