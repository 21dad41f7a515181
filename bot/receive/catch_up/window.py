"""Select managers' messages from a chat's history, and place missed ones (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from kommo.answers import HistoryMessage
from kommo.ids import ConversationId, ExternalMessageId, KommoUserId

Waiting = TypeVar("Waiting")


ALLOWANCE = timedelta(minutes=10)
"""Moments before a conversation's first one are looked at too: clocks differ, seconds are cut."""

NOISE, MAX_AHEAD = timedelta(seconds=2), timedelta(minutes=15)
"""Kommo tells its time in seconds, some time after it was asked: less than this says nothing; and
with more it takes no signature, so that it is not its time. Reference: Kommo, Chats API."""


def believable(ahead: timedelta) -> timedelta:
    """Return how far our clock is ahead of Kommo's, if that can be; else nothing."""
    return ahead if NOISE <= abs(ahead) <= MAX_AHEAD else timedelta(0)


@dataclass(frozen=True)
class Window:
    """Which messages are looked at; all moments are by Kommo's clock.

    Args:
        since: older ones were delivered, or are not ours to deliver.
        own_from: older ones are ours only if the conversation is no older than the database.
        send_from: older ones are reported, not sent.
        sure_from: of older ones it is not known whether they were delivered: reported, not sent.
        webhooks_from: from then on the bridge listened, so that a webhook may be under way ...
        young_from: ... of messages written after this.
    """

    since: datetime
    own_from: datetime
    send_from: datetime
    sure_from: datetime
    webhooks_from: datetime
    young_from: datetime

    def leaves_to_webhook(self, at: datetime) -> bool:
        """Tell whether a message is so young that its webhook may be under way."""
        return at > self.young_from and at >= self.webhooks_from


@dataclass(frozen=True)
class Bounds:
    """What limits the window of a conversation; all moments are by our clock.

    Args:
        recover: how old a message may be to be sent all the same.
        known_at: when the database first heard of the conversation, or of anything.
        first_at: when the client first wrote, by Telegram's clock.
        doubtful_until: of before this, it is not known what was delivered.
        listens_since: when the bridge began to take webhooks.
        grace: how long a webhook may be under way.
        ahead: how far our clock is ahead of Kommo's.
    """

    recover: timedelta
    known_at: datetime
    first_at: datetime
    doubtful_until: datetime
    listens_since: datetime
    grace: timedelta
    ahead: timedelta = timedelta(0)

    def window(self, *, missed_since: datetime | None, now: datetime) -> Window:
        """Return the window of a conversation.

        Args:
            missed_since: since when webhooks may be missing; None when nothing is known of that.
            now: now.
        """
        send_from = now - self.recover
        look_from = min(send_from, missed_since) if missed_since else send_from
        begins_at = min(self.known_at, self.first_at, now)  # a clock may have been ahead
        return Window(
            since=self._theirs(max(look_from, begins_at - ALLOWANCE)),
            own_from=self._theirs(min(self.known_at, now)),
            send_from=self._theirs(send_from),
            sure_from=self._theirs(min(self.doubtful_until, now)),
            webhooks_from=self._theirs(self.listens_since),
            young_from=self._theirs(now - self.grace),
        )

    def _theirs(self, moment: datetime) -> datetime:
        """Return a moment by Kommo's clock."""
        return moment - believable(self.ahead)


def of_managers(
    rows: Iterable[HistoryMessage], *, channel_bot_id: KommoUserId | None
) -> list[HistoryMessage]:
    """Return what managers wrote in Kommo: neither the client's, nor what we told Kommo of.

    Reference: Kommo, Chat history: a receiver is absent for incoming, our ids are client_id.
    """
    return [
        row
        for row in rows
        if row.receiver is not None
        and row.sender.external_id is None
        and row.external_id is None
        and (channel_bot_id is None or row.sender.kommo_id != channel_bot_id)
    ]


def of_client(
    rows: Iterable[HistoryMessage], conversation_id: ConversationId
) -> dict[ExternalMessageId, HistoryMessage]:
    """Return what the client wrote by our ids: this bridge told Kommo of each."""
    return {
        row.external_id: row
        for row in rows
        if row.receiver is None
        and row.sender.external_id is not None
        and row.external_id is not None
        and row.external_id.startswith(f"{conversation_id}:")
    }


@dataclass(frozen=True)
class InOrder(Generic[Waiting]):
    """What stands at one place of the order: a missed message, or an item that waits already."""

    at: datetime
    missed: HistoryMessage | None = None
    waiting: Waiting | None = None


def in_order(
    missed: Sequence[HistoryMessage], waiting: Sequence[tuple[datetime, Waiting]]
) -> list[InOrder[Waiting]]:
    """Return what has to be put at the end of the queue, in this order.

    That is everything from the first missed message on: what waits and is older stays in front.
    """
    places = [InOrder[Waiting](row.at, missed=row) for row in missed]
    places += [InOrder(at, waiting=item) for at, item in waiting]
    places.sort(key=lambda place: place.at)
    first = next((n for n, place in enumerate(places) if place.missed), len(places))
    return places[first:]
