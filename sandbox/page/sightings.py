"""One message, where it was written and where it arrived."""

from dataclasses import dataclass, field
from typing import Final

INCOMING, OUTGOING = "incoming", "outgoing"
FAILED: Final = -1


@dataclass
class Sighting:
    """One message, where it was written and where it arrived.

    Args:
        name: what the bridge may be asked about: BOT/OWNER/CHAT/MESSAGE or Kommo's id.
        written_at: in Unix milliseconds; so are the others.
        arrived: ids on the other side, in order.
    """

    name: str
    direction: str
    who: str
    text: str
    written_at: int
    arrived: list[str] = field(default_factory=list)
    arrived_at: int | None = None
    confirmed_at: int | None = None
    status: str = ""
    is_expected: bool = True

    @property
    def is_missing(self) -> bool:
        """Whether it has neither arrived nor been refused with a reason."""
        return self.is_expected and not self.arrived
