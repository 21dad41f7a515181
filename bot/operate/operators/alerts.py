"""Alerts: what is wrong now, and whether it is news (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.account.connect import OUTAGE, REMEDY
from bot.conversations.accounts import REMEDY as CONNECT
from bot.conversations.accounts import in_words, trouble
from bot.operate.dead_items import Failed
from bot.operate.status.machine import LEAST_FREE_BYTES
from bot.operate.status.page import duration, last_copy
from bot.operate.status.state import State
from bot.queue.items import Kind, item_named
from bot.queue.outcomes import FAILS_ALONE
from bot.words import counted
from storage.queue.direction import Direction

STUCK_S = 15 * 60.0
MAX_SKEW_S = 60.0
"""Far less than what makes Kommo refuse a signature: there is time to correct the clock."""

REASON_LENGTH = 300
THINGS: dict[str, str] = {
    Kind.NEW_MESSAGE: "A message of {client} to Kommo",
    Kind.EDIT_MESSAGE: "An edit by {client}",
    Kind.REACTION: "A reaction of {client}",
    Kind.DELIVERY_STATUS: "The delivery status of a message to {client}",
    Kind.CONTACT_LINK: "Finding {client} among the contacts",
    Kind.MANAGER_MESSAGE: "A manager's message to {client}",
    Kind.LEGACY_MESSAGE: "A manager's message to {client}",
    Kind.MANAGER_REACTION: "A manager's reaction to {client}",
    Kind.WELCOME: "The welcome to {client}",
}
"""What an item is, for people."""

QUIET = timedelta(minutes=30)
"""The same thing is not told twice within this time."""


@dataclass(frozen=True)
class Alert:
    """One thing that is wrong.

    Args:
        key: what it is about; the same thing has the same key.
        text: what is wrong, and what to do.
        level: how bad; one that grows is news again.
        cause: what kind of trouble it is; another one is news again.
    """

    key: str
    text: str
    level: int = 1
    cause: str = ""


@dataclass(frozen=True)
class News:
    """What to tell."""

    alerts: tuple[Alert, ...]
    over: tuple[str, ...]
    """Texts of what was told and is over."""

    def text(self) -> str:
        """Return one message."""
        lines = [f"⚠️ {alert.text}" for alert in self.alerts]
        return "\n\n".join([*lines, *(f"✅ Over: {text}" for text in self.over)])


@dataclass
class AlertBook:
    """Remembers what was told, so that each thing is told once."""

    _told: dict[str, tuple[Alert, datetime]] = field(default_factory=dict)
    _over: dict[str, datetime] = field(default_factory=dict)
    _seen: frozenset[str] = frozenset()

    def news(self, alerts: Sequence[Alert], *, now: datetime) -> News | None:
        """Return what to tell now; what is seen for the first time waits for a second look."""
        lasting = [alert for alert in alerts if alert.key in self._seen]
        self._seen = frozenset(alert.key for alert in alerts)
        new = tuple(alert for alert in lasting if self._is_news(alert, now))
        over = self._ended()
        return News(new, over) if new or over else None

    def ends(self, alerts: Sequence[Alert]) -> News | None:
        """Return what was told and is over; for looks in between, which find nothing new."""
        self._seen &= {alert.key for alert in alerts}
        over = self._ended()
        return News((), over) if over else None

    @property
    def has_told(self) -> bool:
        """Tell whether there is anything whose end could be news."""
        return bool(self._told)

    def _ended(self) -> tuple[str, ...]:
        return tuple(
            told.text.partition("\n")[0]
            for key, (told, _at) in self._told.items()
            if key not in self._seen
        )

    def tell(self, news: News, *, now: datetime) -> None:
        """Note that this was told."""
        for alert in news.alerts:
            self._told[alert.key] = (alert, now)
        for key in [key for key in self._told if key not in self._seen]:
            del self._told[key]
            self._over[key] = now

    def _is_news(self, alert: Alert, now: datetime) -> bool:
        if alert.key in self._told:
            told, at = self._told[alert.key]
            is_other = alert.level > told.level or alert.cause != told.cause
            return is_other and abs(now - at) >= QUIET  # the clock may be set back
        return abs(now - self._over.get(alert.key, now - QUIET)) >= QUIET


COPY_GRACE = timedelta(hours=1)
"""So long after a start nothing is said: the service may have been off, and makes a copy now."""


def alerts_in(state: State, *, free_bytes: int) -> list[Alert]:
    """Return everything that is wrong now."""
    return [
        *_parts(state),
        *_accounts(state),
        *_queues(state),
        *_alone(state),
        *_machine(free_bytes, state.health.clock_skew_s),
        *_copies(state),
    ]


def _parts(state: State) -> Iterable[Alert]:
    channel = state.health.channel
    if channel.problem and not channel.is_connected:
        what, remedy, cause = (
            ("Kommo does not accept the channel", REMEDY, "refused")
            if channel.is_refused
            else ("Kommo is not connected", OUTAGE, "outage")
        )
        text = f"{what}\n{_sentence(channel.problem)}\n{_sentence(remedy)}"
        yield Alert("channel", text, cause=cause)
    if state.health.rest.problem:
        yield Alert("rest", _sentence(state.health.rest.problem))
    for bot in state.health.bots.values():
        if bot.problem:
            text = f"Bot {bot.name or bot.bot_id}: {bot.problem}"
            yield Alert(f"bot:{bot.bot_id}", text, cause=bot.problem)


def _accounts(state: State) -> Iterable[Alert]:
    """Tell of business accounts through which no answer goes out."""
    for one in state.accounts:
        if (why := trouble(one)) is not None:
            text = f"Business account {in_words(one)}\nAnswers fail. To do: {CONNECT}."
            yield Alert(f"business:{one.bot_id}:{one.business_user_id}", text, cause=why)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _queues(state: State) -> Iterable[Alert]:
    for queue in state.queues:
        if queue.oldest_s > STUCK_S and not state.health.is_paused:
            yield Alert(
                f"stuck:{queue.direction}",
                f"{queue.direction.capitalize()} messages are stuck: "
                f"{queue.pending} {'waits' if queue.pending == 1 else 'wait'}, the "
                f"oldest for {duration(queue.oldest_s)}\nThey are retried automatically; "
                "/status says what is wrong.",
            )
        dead = queue.dead - queue.clients - _told_alone(state, queue.direction)
        if dead > 0:
            yield Alert(
                f"dead:{queue.direction}",
                f"{counted(dead, f'{queue.direction} item')} could not be delivered\n"
                "/failed says why, /retry retries, /drop drops.",
                level=dead,
            )


def _told_alone(state: State, direction: Direction) -> int:
    """Return how many dead items of a direction have an alert of their own."""
    named = (item_named(item.name) for item in state.alone)
    return sum(one is not None and one[0] == direction for one in named)


def _alone(state: State) -> Iterable[Alert]:
    """Return what failed while the rest was delivered: each is told by itself, with its client."""
    for item in state.alone:
        reason = item.reason.removeprefix(FAILS_ALONE).lstrip(": ")
        yield Alert(
            f"alone:{item.name}",
            f"{_what(item)} was given up after {counted(item.attempts, 'attempt')}: it failed "
            f"again and again while others were delivered ({item.name})\n"
            f"{_sentence(reason)[:REASON_LENGTH]}\n"
            f"The rest of the conversation goes on. To do: {item.remedy}.\n"
            f"/retry {item.name} retries it, /drop {item.name} drops it.",
        )


def _what(item: Failed) -> str:
    """Name an item and its client."""
    client = item.client or item.conversation_id or "a client"
    return THINGS.get(item.kind, "Something about {client}").format(client=client)


def _machine(free_bytes: int, skew_s: float | None) -> Iterable[Alert]:
    if free_bytes < LEAST_FREE_BYTES:
        yield Alert(
            "disk",
            f"Only {free_bytes // (1024 * 1024)} MiB of disk are free\n"
            "Free up disk space: when the disk is full no messages can be stored.",
        )
    if skew_s is not None and abs(skew_s) > MAX_SKEW_S:
        yield Alert(
            "clock",
            f"This machine's clock is off by {duration(abs(skew_s))}\n"
            "Kommo refuses signatures with a wrong time: turn on time synchronisation "
            "(timedatectl set-ntp true).",
        )


def _copies(state: State) -> Iterable[Alert]:
    """Tell of a daily backup that was missed, with the reason if it is known."""
    machine, began_at = state.machine, state.health.started_at or state.at
    if machine is None or not machine.is_copy_missed(state.at):
        return
    if state.at - began_at < COPY_GRACE:
        return
    problem = state.health.backup_problem
    yield Alert(
        "backup",
        f"{_sentence(last_copy(machine, state.at))}, and storage.backup_dir asks for daily ones\n"
        f"{_sentence(problem) if problem else 'The log says why'}.\n"
        "It is tried again each hour; `kommo-telegram backup FILE` makes one now.",
        cause=problem or "",
    )
