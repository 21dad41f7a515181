"""The ledger of crossed messages, as both servers saw them: lost, duplicated, out of order.

The bridge is not asked. A client's message is found in Kommo by the numbers in its id, a manager's
in Telegram by its text (which may have been cut into parts) or by the bytes of its file.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sandbox.kommo.model import Message
from sandbox.kommo.results import KommoResults
from sandbox.telegram.model import Chat, SentMessage
from sandbox.telegram.people import People

Json: TypeAlias = dict[str, Any]
ChatKey: TypeAlias = tuple[int, int, int]

FAILED: Final = -1
LONG: Final = 1000
"""A text that may reach a client in several parts."""

INCOMING, OUTGOING = "incoming", "outgoing"


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


@dataclass
class Count:
    """What the counter shows."""

    crossed: int = 0
    waiting: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0


@dataclass
class Ledger:
    """Every message that was written, and how often and in which order it arrived."""

    sightings: list[Sighting]
    doubled: int
    out_of_order: int

    def count(self, *, is_settled: bool, before_ms: int) -> Count:
        """Return the counter.

        Args:
            is_settled: whether nothing stands in a message's way, and nothing waits any more.
            before_ms: what was written later may still be on its way.
        """
        expected = [one for one in self.sightings if one.is_expected]
        missing = [one for one in expected if one.is_missing]
        lost = sum(is_settled and one.written_at < before_ms for one in missing)
        return Count(
            crossed=len(expected) - len(missing),
            waiting=len(missing) - lost,
            lost=lost,
            doubled=self.doubled,
            out_of_order=self.out_of_order,
        )


def ledger_of(people: People, kommo: KommoResults) -> Ledger:
    """Compare the two servers."""
    incoming, outgoing = _Incoming(people, kommo), _Outgoing(people, kommo)
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


class _Outgoing:
    """Managers' messages, found in Telegram by their content."""

    def __init__(self, people: People, kommo: KommoResults) -> None:
        self.doubled = self.out_of_order = 0
        self.seen: list[Sighting] = []
        sent: dict[ChatKey, list[SentMessage]] = defaultdict(list)
        for one in people.sent:
            connection = people.connections.get(
                str(one.parameters.get("business_connection_id") or "")
            )
            owner = connection.owner.id if connection else 0
            sent[one.bot_id, owner, one.chat_id].append(one)
        for key, messages in _answers(kommo).items():
            self._compare(kommo, messages, sent.get(key, []) if key else [])

    def _compare(
        self, kommo: KommoResults, messages: list[Message], sent: list[SentMessage]
    ) -> None:
        wanted = [_Wanted(kommo, message) for message in messages]
        shelf = _Shelf(wanted)
        newest = -1
        for one in sent:
            number, is_again = shelf.find(one)
            if is_again:
                self.doubled += 1
            if number is None:
                continue
            wanted[number].take(one)
            self.out_of_order += number < newest
            newest = max(newest, number)
        self.seen += [each.sighting for each in wanted]


class _Shelf:
    """Finds the message that one in Telegram belongs to, without comparing all with all."""

    def __init__(self, wanted: "list[_Wanted]") -> None:
        self._wanted = wanted
        self._open = dict.fromkeys(range(len(wanted)))
        self._long = [number for number, one in enumerate(wanted) if len(one.text) > LONG]
        self._by_content: dict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(wanted):
            self._by_content[one.digest or one.text].append(number)

    def find(self, sent: SentMessage) -> tuple[int | None, bool]:
        """Return the message that this is (a part of), and whether it has all arrived before."""
        exact = self._exact(sent)
        number = next((one for one in exact if one in self._open), None)
        if number is None and not exact:
            number = next((one for one in self._open if self._wanted[one].fits(sent)), None)
        if number is not None:
            if self._wanted[number].is_whole_with(sent):
                del self._open[number]
            return number, False
        again = exact or [one for one in self._long if self._wanted[one].fits(sent)]
        return None, bool(again)

    def _exact(self, sent: SentMessage) -> list[int]:
        if sent.files:
            digests = [file.sha256 for file in sent.files.values()]
            return [number for one in digests for number in self._by_content.get(one, [])]
        text = bare(sent.text)
        return self._by_content.get(text, []) if text else []


class _Wanted:
    """A manager's message, and what of it has arrived."""

    def __init__(self, kommo: KommoResults, message: Message) -> None:
        self.text = bare(message.text)
        link = message.content.get("media")
        content = kommo.attachment(link) if link else None
        self.digest = _digest(link, content) if link and content is not None else None
        self._left = len(self.text)
        self._has_file = self.digest is None
        codes = [status.code for status in message.statuses]
        self.sighting = Sighting(
            name=message.id,
            direction=OUTGOING,
            who=message.sender.name,
            text=message.text or message.type,
            written_at=message.msec_timestamp,
            confirmed_at=_ms(message.statuses[0].at.timestamp()) if codes else None,
            is_expected=codes[-1:] != [FAILED],
        )

    def is_whole_with(self, sent: SentMessage) -> bool:
        """Tell whether nothing of it is missing any more, once this has come."""
        has_file = self._has_file or bool(sent.files)
        return has_file and self._left <= len(bare(sent.text))

    def fits(self, sent: SentMessage) -> bool:
        """Tell whether a message in Telegram may be a part of this one, or has it inside."""
        text = bare(sent.text)
        return bool(text and self.text) and (text in self.text or self.text in text)

    def take(self, sent: SentMessage) -> None:
        """Count a message in Telegram as (a part of) this one."""
        self._has_file = self._has_file or bool(sent.files)
        self._left -= len(bare(sent.text))
        self.sighting.arrived.append(str(sent.message_id))
        self.sighting.arrived_at = self.sighting.arrived_at or _ms(sent.at)


def _answers(kommo: KommoResults) -> Mapping[ChatKey | None, list[Message]]:
    """Return what managers wrote, by the chat in Telegram, in order."""
    answers: dict[ChatKey | None, list[Message]] = defaultdict(list)
    for conversation in kommo.account.conversations:
        key = _chat_of(conversation.client_id or "")
        answers[key] += [one for one in conversation.messages if one.is_from_kommo]
    for messages in answers.values():
        messages.sort(key=lambda one: one.msec_timestamp)
    return answers


def _chat_of(conversation_id: str) -> ChatKey | None:
    found = re.match(r"\D*(\d+)(?:\.(\d+))?:(-?\d+)", conversation_id)
    return (int(found[1]), int(found[2] or 0), int(found[3])) if found else None


DIGESTS: dict[str, str] = {}


def _digest(link: str, content: bytes) -> str:
    if link not in DIGESTS:
        DIGESTS[link] = hashlib.sha256(content).hexdigest()
    return DIGESTS[link]


def bare(text: str) -> str:
    """Return a text without its white space, which a cut may change."""
    return "".join(text.split())


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
