"""Values that nobody filled in: the example's own, and words that stand for a value (pure)."""

import re
from collections import Counter
from urllib.parse import urlsplit

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
