"""Remedies: what a person can do about a waiting or failed item (pure)."""

from dataclasses import dataclass
from typing import Literal

from bot.queue.items import Kind
from bot.queue.outcomes import FAILS_ALONE

After = Literal["wait", "again", "either", "drop"]


@dataclass(frozen=True)
class Remedy:
    """What to do.

    Args:
        first: what has to happen first.
        after: what follows: nothing, a retry, a retry or a drop, a drop.
        is_clients: whether it lies with the client alone, and the manager has read so in Kommo.
    """

    first: str
    after: After = "either"
    is_clients: bool = False


WAITS = Remedy("none, it is retried automatically", "wait")
UNREADABLE = Remedy("upgrade to a release that can read it", "again")
BLOCKED = Remedy("wait until the client writes again", "again", is_clients=True)
NOT_STARTED = Remedy("wait until the client starts the bot", "again", is_clients=True)
ACCOUNT_GONE = Remedy("the client's account no longer exists", "drop", is_clients=True)
NO_VOICE = Remedy("the manager can send text or a file instead", "drop", is_clients=True)
ALONE = Remedy(
    "have it sent in another form, and drop this one; or wait until the other side accepts it",
    "again",
)
TOKEN = Remedy("make a new token with @BotFather, put it into the settings and restart")
CHANNEL = Remedy("run kommo-telegram check to see what Kommo does not accept")
UNPAID = Remedy("renew the account's subscription in Kommo")
OUTAGE = Remedy("wait until the outage is over", "either")
FILE = Remedy("have the file sent again, smaller or in another format", "drop")
OTHER = Remedy("fix what the reason says", "either")

_BY_REASON: tuple[tuple[str, Remedy], ...] = (
    (FAILS_ALONE, ALONE),
    ("blocked by the user", BLOCKED),
    ("user_is_blocked", BLOCKED),
    ("client has blocked the bot", BLOCKED),
    ("deactivated", ACCOUNT_GONE),
    ("account was deleted", ACCOUNT_GONE),
    ("can't initiate conversation", NOT_STARTED),
    ("has not started the bot", NOT_STARTED),
    ("business_peer_usage_missing", BLOCKED),
    ("has not written for 24 hours", BLOCKED),
    ("the time to answer is over", BLOCKED),
    ("voice_messages_forbidden", NO_VOICE),
    ("accepts the bot's token", TOKEN),
    ("the file", FILE),
    ("answered 402", UNPAID),
    ("answered 401", CHANNEL),
    ("answered 403", CHANNEL),
    ("gave up", OUTAGE),
)
"""The first whose words are in the reason, in lower case, counts."""


def remedy_for(state: str, kind: str, reason: str | None) -> Remedy:
    """Return what to do about an item."""
    if state == "pending":
        return WAITS
    if kind == Kind.UPDATE:
        return UNREADABLE
    words = (reason or "").lower()
    return next((remedy for part, remedy in _BY_REASON if part in words), OTHER)


def is_clients(reason: str) -> bool:
    """Tell whether only the client can change what an item died of."""
    return remedy_for("dead", "", reason).is_clients


def in_words(remedy: Remedy) -> str:
    """Return a remedy for who has buttons, or commands of a chat, to do it with."""
    return {
        "wait": remedy.first,
        "again": f"{remedy.first}, then retry",
        "either": f"{remedy.first}, then retry; or drop it",
        "drop": f"{remedy.first}; drop this one",
    }[remedy.after]


def in_commands(remedy: Remedy, name: str) -> str:
    """Return a remedy for who sits at a terminal."""
    again, drop = (f"kommo-telegram queue {verb} {name}" for verb in ("retry", "drop"))
    return {
        "wait": f"{remedy.first} (retry now: {again})",
        "again": f"{remedy.first}, then: {again}",
        "either": f"{remedy.first}, then: {again}; or drop it: {drop}",
        "drop": f"{remedy.first}; drop this one: {drop}",
    }[remedy.after]
