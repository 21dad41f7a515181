"""What of an export is wanted."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, tzinfo


@dataclass(frozen=True)
class Wanted:
    """What of an export is wanted.

    Args:
        bot_id: under which bot.
        bots: ours.
        managers: who writes for the company.
        client_id: the only client, if just one is wanted.
        since: from this moment on.
        until: up to, but not with, this moment.
        zone: of times that come without one; None: this machine's.
    """

    bot_id: int
    bots: Set[int]
    managers: Set[int]
    zone: tzinfo | None = None
    client_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def refusal(self, at_s: int) -> str | None:
        """Return why a message of some moment is left out; None if it is not."""
        if self.since is not None and at_s < self.since.timestamp():
            return "messages from before --since"
        if self.until is not None and at_s >= self.until.timestamp():
            return "messages from after --until"
        return None
