"""A deep link that a client opens → its payload, and what the manager reads. Pure.

Reference: Bot API, Deep linking: `/start` and up to 64 letters, digits, `_` and `-`.
"""

import re

from bot.translate.languages import Language, in_language

INVITATION_BYTES = 24
INVITATION = re.compile(r"inv_[A-Za-z0-9_-]{32}")
"""The random bytes in our own links: 32 letters in Base64."""

START = "/start"
_START = re.compile(r"/start(?:@\w{1,64})?(?:[ ]([A-Za-z0-9_-]{1,64}))?", re.ASCII)

CAMPAIGN = "Opened link: "
INVITED = "[Opened an invitation link.]"


def start_payload(text: str | None) -> str | None:
    """Return what a deep link said: nothing for a plain start, None when this is no start.

    Whatever Telegram's links cannot carry was typed by hand, and is a message like any other.
    """
    match = _START.fullmatch((text or "").strip())
    return (match[1] or "") if match else None


def invitation_payload(random: str) -> str:
    """Return the payload of an invitation."""
    return f"inv_{random}"


def is_quiet(line: str, *, has_spoken: bool) -> bool:
    """Tell whether the line of a start is none of the client's words, and calls nobody.

    A plain start is what the client sent. Where somebody came from is not, as long as nothing
    follows; once the client has spoken, it tells the manager that the client is back.
    """
    return line != START and not has_spoken


def start_line(payload: str, language: Language, *, is_invited: bool) -> str:
    """Return what the manager reads of a start."""
    if is_invited:
        return in_language(INVITED, language)
    if not payload or INVITATION.fullmatch(payload):
        return START
    return in_language(CAMPAIGN, language) + payload
