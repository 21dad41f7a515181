"""An old message → the call that shows it in Kommo. Pure.

Reference: Kommo, Send or import messages (three roles; import of history).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.translate.company import Company
from bot.translate.exports.told import ExportedFile, Told
from bot.translate.ids import ChatAddress, participant_id
from bot.translate.visible import NOBODY
from kommo.ids import ExternalMessageId, SourceId
from kommo.models import NewMessage, Quote, Reaction
from kommo.people import Person
from kommo.statuses import StatusCode

FileUrl = Callable[[ExportedFile], str]
"""Returns the media link of a file."""


@dataclass(frozen=True)
class Place:
    """Where an old message belongs.

    Args:
        address: of its conversation.
        client: the client.
        source_id: of the bot.
    """

    address: ChatAddress
    client: Person
    source_id: SourceId | None = None

    def external_id(self, name: str, at_s: int, *, is_export: bool) -> ExternalMessageId:
        """Return our id of a message of this conversation."""
        if is_export:
            return self.address.exported_id(int(name), at_s)
        return self.address.imported_id(name)


def client(address: ChatAddress, name: str) -> Person:
    """Return the client of a conversation."""
    return Person(id=participant_id(address.chat_id), name=name or NOBODY)


@dataclass(frozen=True)
class Written:
    """Who wrote an old message and when, and how Kommo takes it in.

    Args:
        author_id: Telegram's id of the author.
        external_id: our id of the message.
        at: when it was written.
        is_silent: whether nobody is notified.
        status: how far it got; for a message of the company only.
    """

    author_id: int
    external_id: ExternalMessageId
    at: datetime
    is_silent: bool
    status: StatusCode | None


def old_message(
    told: Told, written: Written, place: Place, company: Company, *, file_url: FileUrl
) -> NewMessage:
    """Return the call that shows an old message.

    Raises:
        ValueError: nobody of the company is known as its author.
    """
    is_incoming = written.author_id == place.address.chat_id
    content = told.content
    if told.file is not None:
        content = content.model_copy(update={"media": file_url(told.file)})
    return NewMessage(
        at=written.at,
        external_id=written.external_id,
        conversation_id=place.address.conversation_id,
        source_id=place.source_id,
        sender=place.client if is_incoming else company.author(written.author_id, told.author),
        receiver=None if is_incoming else place.client,
        content=content,
        silent=written.is_silent,
        status=None if is_incoming else written.status,
    )


def answering(message: NewMessage, answered: str | None) -> NewMessage:
    """Return a message that quotes the one it answers, if Kommo has that."""
    if answered is None:
        return message
    return message.model_copy(update={"reply_to": Quote(external_id=ExternalMessageId(answered))})


def reactions(told: Told, message: NewMessage, company: Company) -> list[Reaction]:
    """Return the calls that show who put which emoji on a message; each person has one."""
    chosen = {mark.user_id: mark.emoji for mark in told.marks}
    client_id = (message.receiver or message.sender).id
    calls = []
    for person, emoji in chosen.items():
        is_client = participant_id(person) == client_id
        user = company.users.get(person) or (company.bot.ref_id if company.bot else None)
        if not is_client and user is None:
            continue
        calls.append(
            Reaction(
                type="react",
                emoji=emoji,
                conversation_id=message.conversation_id,
                external_id=message.external_id,
                user_id=client_id if is_client else None,
                user_ref_id=None if is_client else user,
            )
        )
    return calls
