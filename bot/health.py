"""Health of the running service's parts, as reported by themselves. In memory only."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class BotHealth:
    """How one bot is."""

    bot_id: int
    name: str | None = None
    source: str | None = None
    is_polling: bool = False
    problem: str | None = None
    """Why no updates arrive; None when they do."""


@dataclass
class ChannelHealth:
    """How the connection to Kommo is."""

    is_connected: bool = False
    problem: str | None = None
    is_refused: bool = False
    """Whether Kommo said no, which does not pass by itself; an outage of Kommo does."""


@dataclass
class RestHealth:
    """How the access to Kommo's REST API is; messages cross without it."""

    problem: str | None = None
    """What is wrong, and what to do."""


@dataclass
class Health:
    """How the service is."""

    bots: dict[int, BotHealth] = field(default_factory=dict)
    channel: ChannelHealth = field(default_factory=ChannelHealth)
    rest: RestHealth = field(default_factory=RestHealth)
    database_problem: str | None = None
    backup_problem: str | None = None
    """Why the last attempt at the daily backup failed."""

    is_paused: bool = False
    """Whether an operator has paused deliveries."""

    started_at: datetime | None = None
    """When the service began."""

    clock_skew_s: float | None = None
    """By how much this machine's clock is ahead of Kommo's."""

    def problems(self) -> list[str]:
        """Return what keeps the service from doing its work; empty when it can.

        One bot's trouble is its own: only when no bot works at all does the service not work.
        An outage of Kommo is what the queues are for.
        """
        found = [self.database_problem] if self.database_problem else []
        if self.channel.is_refused:
            found.append(f"the channel is not connected: {self.channel.problem}")
        troubled = [bot for bot in self.bots.values() if bot.problem]
        if troubled and len(troubled) == len(self.bots):
            found += [f"bot {bot.bot_id}: {bot.problem}" for bot in troubled]
        return found

    @property
    def waits_for_kommo(self) -> bool:
        """Whether all that keeps messages from Kommo is that it cannot be reached."""
        return bool(self.channel.problem) and not (
            self.channel.is_connected or self.channel.is_refused
        )

    def status_line(self) -> str:
        """Return the line that `systemctl status` shows: ready, or not able to work, and how."""
        return self.summary() if self.problems() else f"ready; {self.summary()}"

    def summary(self) -> str:
        """Return how channel and bots are, in one line."""
        channel = "connected to Kommo" if self.channel.is_connected else "not connected to Kommo"
        troubled = [bot for bot in self.bots.values() if bot.problem]
        paused = "deliveries are paused; " if self.is_paused else ""
        return f"{paused}{channel}; {len(self.bots) - len(troubled)} of {len(self.bots)} bots work"
