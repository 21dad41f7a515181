"""Directions: incoming items wait for Kommo, outgoing ones for Telegram."""

from enum import StrEnum
from typing import Literal


class Direction(StrEnum):
    """Which way an item goes, seen from the business."""

    INCOMING = "incoming"
    """From a client to Kommo."""

    OUTGOING = "outgoing"
    """From a manager to Telegram."""

    @property
    def table(self) -> Literal["inbox", "outbox"]:
        """Return the table of its queue; databases have known it by this name from the start."""
        return "outbox" if self is Direction.INCOMING else "inbox"
