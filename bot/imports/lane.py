"""A chat during its import, and the outcomes of its messages."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.imports.kommo import Refused
from bot.imports.pace import ImportPace
from bot.imports.plan import ChatPlan, Side
from bot.translate.company import Company
from bot.translate.exports.messages import FileUrl, Place, client
from bot.translate.ids import ChatAddress
from kommo.answers import SentMessage
from kommo.ids import ExternalMessageId, SourceId
from kommo.models import NewMessage
from storage.spool import Spool, Spooled
from storage.timestamps import from_ms

PAGE = 25
"""So many messages are planned in one commit."""

SECOND_MS = 1000
NOWHERE = (-1, -1)

Result = tuple[NewMessage, SentMessage | Refused]


@dataclass(frozen=True)
class Options:
    """How an import is made.

    Args:
        is_silent: whether nobody is told of the newest messages either.
        sources: of the bots, by their ids.
        pace: how it treats Kommo.
        file_urls: make the media links of the clients of a bot: by bot and client.
    """

    company: Company
    sources: Mapping[int, str | None]
    file_urls: Callable[[int, int], FileUrl]
    is_silent: bool = False
    pace: ImportPace = field(default_factory=ImportPace)


@dataclass(frozen=True)
class Refusal:
    """A message that Kommo did not take, as `queue list` names it."""

    item: str
    conversation_id: str
    reason: str


@dataclass
class Done:
    """How far an import is.

    Args:
        sent: messages that Kommo took, now.
        before: messages that it had already, by an earlier import.
        live: messages that the bridge had brought when they were written.
        chats: how many chats are finished.
        trouble: what just went wrong; empty if nothing did.
    """

    sent: int = 0
    before: int = 0
    live: int = 0
    chats: int = 0
    refused: list[Refusal] = field(default_factory=list)
    lost_reactions: int = 0
    trouble: str = ""

    @property
    def count(self) -> int:
        """Return how many messages are behind it."""
        return self.sent + self.before + self.live + len(self.refused)


@dataclass(frozen=True)
class Dated:
    """A message of the spool with its moment in Kommo, which no other one of its chat has."""

    row: Spooled
    at: datetime


@dataclass
class Lane:
    """A chat while it is imported.

    Args:
        results: what is not recorded yet.
        told: what Kommo took in this run, by the names in the export; the last page's.
        known_since: since when the bridge knows the client; None if it does not yet.
    """

    chat: ChatPlan
    place: Place
    newest: tuple[int, int]
    newest_client: tuple[int, int]
    results: list[Result] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    known_since: datetime | None = None
    recorded_at: float = field(default_factory=time.monotonic)

    def external_id(self, row: Spooled) -> ExternalMessageId:
        """Return our id of a message."""
        return self.place.external_id(row.name, row.at, is_export=self.chat.is_export)

    def side(self, row: Spooled) -> Side:
        """Return who wrote a message."""
        return "client" if row.author == self.chat.client_id else "company"


def lane_of(
    chat: ChatPlan, spool: Spool, source: str | None, *, known_name: str | None = None
) -> Lane:
    """Return a chat that is about to be imported; a known client keeps the name of today."""
    address = ChatAddress(chat.bot_id, chat.client_id)
    person = client(address, known_name or chat.name)
    newest = spool.newest(chat.number)
    newest_client = spool.newest(chat.number, author=chat.client_id)
    return Lane(
        chat=chat,
        place=Place(address, person, SourceId(source) if source else None),
        newest=newest.place if newest else NOWHERE,
        newest_client=newest_client.place if newest_client else NOWHERE,
    )


def dated(chat: ChatPlan, spool: Spool, *, upto: tuple[int, int] | None = None) -> Iterator[Dated]:
    """Return a chat's messages, oldest first: those of one second a millisecond apart."""
    last_ms, place = -1, NOWHERE
    while rows := spool.page(chat.number, limit=PAGE, after=place):
        for row in rows:
            last_ms = max(row.at * SECOND_MS, last_ms + 1)
            yield Dated(row, from_ms(last_ms))
            if row.place == upto:
                return
        place = rows[-1].place
