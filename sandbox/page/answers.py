"""Managers' messages, found in Telegram by their texts, or parts of them, or their files."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, TypeAlias

from sandbox.kommo.model import Message
from sandbox.kommo.results import KommoResults
from sandbox.page.sightings import FAILED, OUTGOING, Sighting
from sandbox.telegram.model import SentMessage
from sandbox.telegram.people import People

ChatKey: TypeAlias = tuple[int, int, int]

LONG: Final = 1000
"""A text that may reach a client in several parts."""


class Outgoing:
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
