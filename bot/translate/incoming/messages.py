"""Telegram message of a client → what Kommo shows. Pure: data in, data out."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from aiogram.types import Chat, Message, User

from bot.translate.files import MediaUrl
from bot.translate.ids import ID_LIMIT, ChatAddress, participant_id
from bot.translate.incoming.contents import contents, with_heading
from bot.translate.incoming.heading import heading
from bot.translate.incoming.notices import is_quiet
from bot.translate.incoming.starts import start_payload
from bot.translate.names import person_name
from kommo.content import Content
from kommo.ids import ExternalMessageId, SourceId
from kommo.models import EditMessage, NewMessage, Quote, QuoteAuthor
from kommo.people import Person

CLOCK_MARGIN, FIRST_YEAR = timedelta(minutes=10), 2013
"""Dates beyond these are nonsense: no Telegram before, and no message is of tomorrow."""

YEAR_10000 = 253_402_300_800
"""The first second that Python's datetime cannot hold."""


@dataclass(frozen=True)
class ClientMessage:
    """One message of a client: its place, its author, and what Kommo is to show.

    Args:
        payloads: one for each part; mostly there is just one.
        fingerprint: changes when what the message says changes, and only then.
        phone: the client's own number, if this message tells it.
        answers: Telegram's id of the message that this one answers.
        quoted: that message itself, in case Kommo does not know it.
        start: what a deep link said; empty for a plain start, None when it is not one.
        topic: the topic of the chat that it stands in; None for none.
    """

    address: ChatAddress
    telegram_message_id: int
    author: User
    at: datetime
    payloads: tuple[NewMessage, ...]
    fingerprint: str = ""
    phone: str | None = None
    answers: int | None = None
    quoted: Quote | None = None
    start: str | None = None
    topic: int | None = None

    @property
    def payload(self) -> NewMessage:
        """Return the first part, which the message is known by."""
        return self.payloads[0]


@dataclass(frozen=True)
class ClientEdit:
    """A client's change of an earlier message.

    Args:
        message: as it would be if it were new.
        payload: the change of its first part.
        is_move: whether all that happened is that a live location moved.
    """

    message: ClientMessage
    payload: EditMessage
    is_move: bool = False

    @property
    def external_id(self) -> ExternalMessageId:
        """Return our id of the message that was changed."""
        return self.message.payload.external_id

    @property
    def rest(self) -> tuple[NewMessage, ...]:
        """Return its other parts, as they would be if they were new."""
        return self.message.payloads[1:]


GROUPS = ("group", "supergroup", "channel")


def is_with_client(chat: Chat) -> bool:
    """Tell whether a chat is one person's with the bot; groups and channels are not bridged."""
    return chat.type not in GROUPS and chat.id > 0


def client_message(
    message: Message,
    *,
    bot_id: int,
    source_id: SourceId | None,
    media_url: MediaUrl,
    update_id: int = 0,
    owner_id: int = 0,
) -> ClientMessage | None:
    """Translate a client's message into what to show in Kommo; None when it tells nothing.

    Args:
        message: as far as it could be read; without an id of its own, it has the update's.
        bot_id: the bot that it came to.
        source_id: of the bot.
        media_url: makes the links to its files.
        update_id: of the update that told of it.
        owner_id: whose business account's chat it is in; 0 for the chat with the bot.
    """
    address = ChatAddress(bot_id, message.chat.id, owner_id)
    author = author_in(message.chat, message.from_user)
    payloads = _payloads(message, address, source_id, media_url, update_id)
    if not payloads:
        return None
    return ClientMessage(
        address=address,
        telegram_message_id=max(message.message_id, 0),
        author=author,
        at=message.date,
        payloads=payloads,
        fingerprint=fingerprint(message),
        phone=own_phone(message, author),
        answers=_answered(message),
        quoted=quoted(message.reply_to_message) if message.reply_to_message else None,
        start=start_payload(message.text),
        topic=topic_of(message),
    )


def topic_of(message: Message) -> int | None:
    """Return the topic that a message stands in.

    Reference: Bot API, Message (`message_thread_id` stands on other answers too,
    `is_topic_message` only on those in topics).
    """
    thread = message.message_thread_id if message.is_topic_message else None
    return thread if thread is not None and 0 < thread < ID_LIMIT else None


def _answered(message: Message) -> int | None:
    """Return the id of the message that one answers; one that cannot be known names none."""
    answered = message.reply_to_message.message_id if message.reply_to_message else 0
    return answered if 0 < answered < ID_LIMIT else None


def client_edit(
    message: Message,
    *,
    bot_id: int,
    media_url: MediaUrl,
    source_id: SourceId | None = None,
    update_id: int = 0,
    owner_id: int = 0,
) -> ClientEdit | None:
    """Translate a client's edit of a message, with each of its parts."""
    changed = client_message(
        message,
        bot_id=bot_id,
        source_id=source_id,
        media_url=media_url,
        update_id=update_id,
        owner_id=owner_id,
    )
    if changed is None:
        return None
    at = moment(message.edit_date) or message.date
    is_move = message.location is not None and message.location.live_period is not None
    return edit_of(replace(changed, at=at, start=None), at=at, is_move=is_move)


def edit_of(message: ClientMessage, *, at: datetime, is_move: bool = False) -> ClientEdit:
    """Return the edit that gives a message its content."""
    return ClientEdit(message, as_edit(message.payload, at), is_move)


def _payloads(
    message: Message,
    address: ChatAddress,
    source_id: SourceId | None,
    media_url: MediaUrl,
    update_id: int,
) -> tuple[NewMessage, ...]:
    """Return the messages of Kommo that a client's message becomes."""
    author = author_in(message.chat, message.from_user)
    return tuple(
        NewMessage(
            at=message.date,
            external_id=(
                address.message_id(message.message_id, part)
                if message.message_id > 0
                else address.notice_id(update_id, part)
            ),
            conversation_id=address.conversation_id,
            source_id=source_id,
            sender=person(author),
            content=content,
            silent=is_quiet(message),
        )
        for part, content in enumerate(shown(message, media_url), start=1)
    )


def shown(message: Message, media_url: MediaUrl) -> tuple[Content, ...]:
    """Return what Kommo shows of a message: its parts, with where it is from above the first."""
    parts = contents(message, lambda file: media_url(replace(file, chat_id=message.chat.id)))
    return (with_heading(parts[0], heading(message)), *parts[1:]) if parts else ()


def quoted(message: Message) -> Quote | None:
    """Return a message that Kommo may not know, with all that a quote needs."""
    parts = contents(message, lambda file: file.unique_id)
    if not parts:
        return None
    author = message.from_user or author_in(message.chat, None)
    return Quote(content=parts[0], at=message.date, sender=QuoteAuthor(name=person(author).name))


def fingerprint(message: Message) -> str:
    """Return what changes when what a message says changes; a link's end of life is not that.

    It has a line for each part.
    """
    parts = shown(message, lambda file: file.unique_id)
    return "\n".join(part.model_dump_json() for part in parts)


def own_phone(message: Message, author: User) -> str | None:
    """Return the number that a client shared of their own account, as +digits.

    Reference: Bot API, Contact (`user_id`); somebody else's entry says nothing of the client.
    """
    contact = message.contact
    if contact is None or contact.user_id != author.id:
        return None
    digits = "".join(char for char in contact.phone_number if char in "0123456789")
    return f"+{digits}" if digits else None


def person(user: User) -> Person:
    """Return a Telegram user as Kommo's sender."""
    return Person(
        id=participant_id(user.id),
        name=person_name(user),
        profile_link=f"https://t.me/{user.username}" if user.username else None,
    )


def as_edit(part: NewMessage, at: datetime) -> EditMessage:
    """Return the edit that gives a part of a message its content."""
    return EditMessage(
        at=at,
        external_id=ExternalMessageId(part.external_id),
        conversation_id=part.conversation_id,
        content=part.content,
    )


def author_in(chat: Chat, author: User | None) -> User:
    """Return who is at the other end of a private chat, whose id is the person's own."""
    if author is not None and author.id > 0:
        return author
    if author is not None and author.first_name:
        return author.model_copy(update={"id": chat.id})
    return User(
        id=chat.id,
        is_bot=False,
        first_name=chat.first_name or "",
        last_name=chat.last_name,
        username=chat.username,
    )


def plausible(moment: datetime | None, now: datetime) -> datetime:
    """Return a moment at which Telegram's messages are written; now instead of any other."""
    is_nonsense = moment is None or moment > now + CLOCK_MARGIN or moment.year < FIRST_YEAR
    return now if moment is None or is_nonsense else moment


def moment(seconds: int | None) -> datetime | None:
    """Return a moment that Telegram tells; None when it tells none, or nonsense."""
    if not seconds or not 0 < seconds < YEAR_10000:
        return None
    return datetime.fromtimestamp(seconds, UTC)
