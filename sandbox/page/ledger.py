"""The ledger of crossed messages, as both servers saw them: lost, duplicated, out of order.

The bridge is not asked. A client's message is found in Kommo by the numbers in its id, a manager's
in Telegram by its text (which may have been cut into parts) or by the bytes of its file.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sandbox.kommo.model import Message
from sandbox.kommo.results import KommoResults
from sandbox.page.answers import Outgoing
from sandbox.page.sightings import INCOMING, OUTGOING, Sighting
from sandbox.telegram.model import Chat
from sandbox.telegram.people import People

Json: TypeAlias = dict[str, Any]

SETTLED_S: Final = 20.0
"""So long after the last obstacle, what has not arrived is lost."""

UNTOLD_S: Final = 360.0
"""The same where no webhook came: the bridge reads the history every five minutes."""


@dataclass
class Count:
    """What the counter shows."""

    crossed: int = 0
    waiting: int = 0
    untold: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0


@dataclass
class Ledger:
    """Every message that was written, and how often and in which order it arrived."""

    sightings: list[Sighting]
    doubled: int
    out_of_order: int

    def count(self, *, calm_s: float, now_ms: int, told: Container[str]) -> Count:
        """Return the counter.

        Args:
            calm_s: for how long nothing stands in a message's way, and nothing waits.
            now_ms: what was written shortly before may still be on its way.
            told: ids of the managers' messages that a webhook told the bridge of.
        """
        expected = [one for one in self.sightings if one.is_expected]
        missing = [one for one in expected if one.is_missing]
        untold = [one for one in missing if one.direction == OUTGOING and one.name not in told]
        names = {one.name for one in untold}

        def is_lost(one: Sighting) -> bool:
            patience_s = UNTOLD_S if one.name in names else SETTLED_S
            return calm_s > patience_s and one.written_at < now_ms - patience_s * 1000

        lost = sum(map(is_lost, missing))
        return Count(
            crossed=len(expected) - len(missing),
            waiting=len(missing) - lost,
            untold=sum(not is_lost(one) for one in untold),
            lost=lost,
            doubled=self.doubled,
            out_of_order=self.out_of_order,
        )


def ledger_of(people: People, kommo: KommoResults) -> Ledger:
    """Compare the two servers."""
    incoming, outgoing = _Incoming(people, kommo), Outgoing(people, kommo)
    sightings = sorted([*incoming.seen, *outgoing.seen], key=lambda one: one.written_at)
    doubled = incoming.doubled + outgoing.doubled
    return Ledger(sightings, doubled, incoming.out_of_order + outgoing.out_of_order)


class _Incoming:
    """Clients' messages, found in Kommo by their numbers."""

    def __init__(self, people: People, kommo: KommoResults) -> None:
        self.doubled = self.out_of_order = 0
        self._by_place: dict[tuple[int, ...], Sighting] = {}
        for chat in people.chats.values():
            for message in _written_by_client(chat):
                place = (chat.bot_id, chat.owner_id, chat.peer.id, message["message_id"])
                self._by_place[place] = _client_sighting(place, chat, message)
        newest: dict[tuple[int, ...], int] = {}
        for arrived in kommo.received:
            self._note(arrived, newest)
        self.seen = list(self._by_place.values())

    def _note(self, arrived: Message, newest: dict[tuple[int, ...], int]) -> None:
        place, part = place_of(arrived.msgid or "")
        sighting = self._by_place.get(place)
        if sighting is None:
            return
        mark = f"part {part}"
        if mark in sighting.arrived:
            self.doubled += 1
            return
        sighting.arrived.append(mark)
        sighting.arrived_at = sighting.arrived_at or arrived.msec_timestamp
        chat, number = place[:3], place[3]
        self.out_of_order += number < newest.get(chat, 0)
        newest[chat] = max(number, newest.get(chat, 0))


def place_of(msgid: str) -> tuple[tuple[int, ...], int]:
    """Return bot, owner, chat and message of an id that consists of numbers, and the part."""
    found = re.fullmatch(r"\D*(\d+)(?:\.(\d+))?:(-?\d+):(\d+)(?::(\d+))?", msgid)
    if found is None:
        return (), 1
    return (int(found[1]), int(found[2] or 0), int(found[3]), int(found[4])), int(found[5] or 1)


def _written_by_client(chat: Chat) -> Iterator[Json]:
    for message in chat.messages.values():
        is_client = message["from"]["id"] == chat.peer.id
        if is_client and not str(message.get("text", "")).startswith("/start"):
            yield message


def _client_sighting(place: tuple[int, ...], chat: Chat, message: Json) -> Sighting:
    return Sighting(
        name="/".join(map(str, place)),
        direction=INCOMING,
        who=chat.peer.name,
        text=_words(message),
        written_at=chat.written_ms(message),
    )


def _words(message: Json) -> str:
    text = message.get("text") or message.get("caption")
    known = ("photo", "voice", "video", "sticker", "location", "contact", "document")
    return str(text or next((kind for kind in known if kind in message), "something"))
