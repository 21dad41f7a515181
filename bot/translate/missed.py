"""Which rows of a chat's history are managers' messages, and where missed ones belong (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from kommo.answers import HistoryMessage
from kommo.ids import ConversationId, KommoUserId

Waiting = TypeVar("Waiting")


@dataclass(frozen=True)
class Window:
    """Which messages are looked at.

    Args:
        since: older ones were delivered, or are not ours to deliver.
        send_from: older ones are reported, not sent.
        hooks_from: from then on the bridge listened, so that a hook may be under way ...
        young_from: ... of messages written after this.
    """

    since: datetime
    send_from: datetime
    hooks_from: datetime
    young_from: datetime

    def leaves_to_hook(self, at: datetime) -> bool:
        """Tell whether a message is so young that its hook may be under way."""
        return at > self.young_from and at >= self.hooks_from


@dataclass(frozen=True)
class Bounds:
    """What limits the window of every conversation.

    Args:
        recover: how old a message may be to be sent all the same.
        knows_since: before this, the database does not know what was delivered.
        listens_since: when the bridge began to take hooks.
        grace: how long a hook may be under way.
    """

    recover: timedelta
    knows_since: datetime
    listens_since: datetime
    grace: timedelta

    def window(
        self, *, known_at: datetime, missed_since: datetime | None, now: datetime
    ) -> Window:
        """Return the window of a conversation.

        Args:
            known_at: when the database first heard of the conversation.
            missed_since: since when hooks may be missing; None when nothing is known of that.
            now: now.
        """
        send_from = now - self.recover
        look_from = min(send_from, missed_since) if missed_since else send_from
        return Window(
            since=max(look_from, self.knows_since, known_at),
            send_from=send_from,
            hooks_from=self.listens_since,
            young_from=now - self.grace,
        )


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


def of_client(rows: Iterable[HistoryMessage], conversation_id: ConversationId) -> list[str]:
    """Return our ids of what the client wrote: this bridge told Kommo of each."""
    return [
        row.external_id
        for row in rows
        if row.receiver is None
        and row.sender.external_id is not None
        and row.external_id is not None
        and row.external_id.startswith(f"{conversation_id}:")
    ]


@dataclass(frozen=True)
class Place(Generic[Waiting]):
    """What stands at one place of the order: a missed message, or an item that waits already."""

    at: datetime
    missed: HistoryMessage | None = None
    waiting: Waiting | None = None


def in_order(
    missed: Sequence[HistoryMessage], waiting: Sequence[tuple[datetime, Waiting]]
) -> list[Place[Waiting]]:
    """Return what has to be put at the end of the queue, in this order.

    That is everything from the first missed message on: what waits and is older stays in front.
    """
    places = [Place[Waiting](row.at, missed=row) for row in missed]
    places += [Place(at, waiting=item) for at, item in waiting]
    places.sort(key=lambda place: place.at)
    first = next((n for n, place in enumerate(places) if place.missed), len(places))
    return places[first:]
