"""The plan of an import, as far as it is known before it begins."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from bot.translate.exports.told import ExportedFile

Side = Literal["client", "company"]

CHATS_AT_A_TIME = 4
"""So many chats are imported side by side; within a chat, one message after the other."""

CALL_S = 0.15
"""How long Kommo takes for a message, as a guess; it has no call for many at once."""


@dataclass
class ChatPlan:
    """One chat that is to be imported.

    Args:
        number: of the chat in the spool.
        client_id: Telegram's id of the client.
        bot_id: under which bot its conversation is.
        name: what the client is called; empty if nobody says.
        is_export: whether its messages are numbered by Telegram, not by another system.
        count: how many messages it has.
    """

    number: int
    client_id: int
    bot_id: int
    name: str
    is_export: bool
    count: int = 0


@dataclass
class Plan:
    """All that is to be imported, and what is left out.

    Args:
        messages: by side and kind.
        writers: Telegram's ids of the company's writers, with how much each wrote; -1: unknown.
        chats_left_out: by the reason.
        messages_left_out: by the reason.
    """

    chats: list[ChatPlan] = field(default_factory=list)
    messages: Counter[tuple[Side, str]] = field(default_factory=Counter)
    writers: Counter[int] = field(default_factory=Counter)
    files: int = 0
    file_bytes: int = 0
    missing_files: int = 0
    chats_left_out: Counter[str] = field(default_factory=Counter)
    messages_left_out: Counter[str] = field(default_factory=Counter)
    is_zone_used: bool = False
    """Whether a message tells its time without a zone."""

    example: tuple[int, int, ExportedFile] | None = None
    """Any file, with its bot and client."""

    @property
    def count(self) -> int:
        """Return how many messages there are."""
        return sum(chat.count for chat in self.chats)

    def count_of(self, side: Side) -> int:
        """Return how many messages one side wrote."""
        return sum(count for (one, _kind), count in self.messages.items() if one == side)

    @property
    def takes_s(self) -> float:
        """Return how long it is likely to take."""
        longest = max((chat.count for chat in self.chats), default=0)
        return max(longest, self.count / CHATS_AT_A_TIME) * CALL_S
