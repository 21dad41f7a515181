"""A message and what the database keeps of it, by whichever id names it."""

from dataclasses import dataclass
from datetime import datetime

from bot.errors import BridgeError
from bot.queue.items import Kind, item_named, name_of
from bot.translate.ids import parse_conversation, parse_message
from kommo.errors import PayloadError
from kommo.events import ManagerMessage, parse_event
from kommo.models import NewMessage
from storage.database import Snapshot
from storage.message_reader import StoredMessage
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

MESSAGES = (
    Kind.NEW_MESSAGE,
    Kind.MANAGER_MESSAGE,
    Kind.LEGACY_MESSAGE,
    Kind.UPDATE,
    Kind.BLOCKED,
    Kind.HELD,
)
BLOCKED, HELD = "blocked:", "held:"
"""How the keys begin of what a blocked client wrote, and of what was beyond the limit."""

LATEST = 50
"""How many of the messages stored last to look through for the one written last."""

LONGEST_NUMBER = 15
"""Digits of a number that SQLite and Telegram both know."""


class AmbiguousIdError(BridgeError):
    """Several messages are called so."""


@dataclass(frozen=True)
class Found:
    """What the database keeps of one message."""

    direction: Direction
    item: QueueItem | None = None
    rows: tuple[StoredMessage, ...] = ()

    @property
    def external_id(self) -> str | None:
        """Our id of the message."""
        if self.item is not None and self.direction is Direction.INCOMING:
            return _message_key(self.direction, self.item)
        return next((row.external_id for row in self.rows if row.external_id), None)

    @property
    def kommo_message_id(self) -> str | None:
        """Kommo's id of the message."""
        if self.item is not None and self.direction is Direction.OUTGOING:
            return _message_key(self.direction, self.item)
        return next((row.kommo_message_id for row in self.rows if row.kommo_message_id), None)

    @property
    def conversation_id(self) -> str | None:
        """The conversation that the message is of."""
        if self.item is not None and self.item.conversation_id:
            return self.item.conversation_id
        return next((row.conversation_id for row in self.rows), None)


async def find(snapshot: Snapshot, name: str) -> Found | None:
    """Return what is kept of a message, by whichever id names it."""
    return (
        await _by_item(snapshot, name)
        or await _by_kommo_id(snapshot, name)
        or await _by_external_id(snapshot, name)
        or await _by_telegram(snapshot, name)
        or await _by_conversation(snapshot, name)
    )


async def _by_item(snapshot: Snapshot, name: str) -> Found | None:
    named = item_named(name)
    if named is None:
        return None
    direction, item_id = named
    item = await snapshot.queue(direction).get(item_id)
    if item is None:
        return None
    key = _message_key(direction, item)
    if direction is Direction.INCOMING:
        row = await snapshot.messages.by_external_id(key) if key else None
        return Found(direction, item, (row,) if row else ())
    rows = await snapshot.messages.by_kommo_message(key) if key else []
    return Found(direction, item, tuple(rows))


async def _by_kommo_id(snapshot: Snapshot, name: str) -> Found | None:
    item = await snapshot.to_telegram.by_dedupe_key(f"message:{name}")
    rows = await snapshot.messages.by_kommo_message(name)
    if item is None and rows and rows[0].external_id:
        return await _by_external_id(snapshot, rows[0].external_id)
    return Found(Direction.OUTGOING, item, tuple(rows)) if item or rows else None


async def _by_external_id(snapshot: Snapshot, name: str) -> Found | None:
    item = await snapshot.to_kommo.by_dedupe_key(name)
    item = item or await _unshown(snapshot, name)
    row = await snapshot.messages.by_external_id(name)
    if item is not None or row is not None:
        return Found(Direction.INCOMING, item, (row,) if row else ())
    place = parse_message(name)
    if place is None:
        return None
    address, message_id = place
    row = await snapshot.messages.by_telegram(
        address.bot_id, address.chat_id, message_id, address.business_user_id
    )
    return await _by_row(snapshot, row) if row else None


async def _by_telegram(snapshot: Snapshot, name: str) -> Found | None:
    """Read CHAT/MESSAGE or BOT/CHAT/MESSAGE."""
    parts = name.split("/")
    numbers = [int(part) for part in parts if _is_number(part)]
    if len(numbers) != len(parts) or len(parts) not in {2, 3}:
        return None
    rows = await snapshot.messages.in_chat(*numbers[-2:])
    if len(numbers) > 2:  # noqa: PLR2004 - the bot is named too
        rows = [row for row in rows if row.bot_id == numbers[0]]
    bots = sorted({row.bot_id for row in rows})
    if len(bots) > 1:
        names = ", ".join(f"{bot}/{name}" for bot in bots)
        raise AmbiguousIdError(f"several bots have a message {name}: name one of {names}")
    if rows:
        return await _by_row(snapshot, rows[0])
    *bot, chat_id, message_id = numbers
    item = await _unshown(snapshot, f"tg:{bot[0] if bot else '%'}:{chat_id}:{message_id}")
    return Found(Direction.INCOMING, item) if item else None


async def _unshown(snapshot: Snapshot, external_id: str) -> QueueItem | None:
    """Return what is kept of a message that Kommo was never told of."""
    found = await snapshot.to_kommo.by_key_like(BLOCKED, f"{BLOCKED}{external_id}")
    return found or await snapshot.to_kommo.by_key_like(HELD, f"{HELD}{external_id}:%")


async def _by_conversation(snapshot: Snapshot, name: str) -> Found | None:
    """Return the newest message of a conversation, whatever became of it."""
    if parse_conversation(name) is None:
        return None
    newest = await _newest_item(snapshot, name)
    if newest is not None:
        return await _by_item(snapshot, newest)
    row = await snapshot.messages.newest_of(name)  # its item is no longer kept
    return await _by_row(snapshot, row) if row else None


async def _newest_item(snapshot: Snapshot, conversation_id: str) -> str | None:
    """Return the item of the message that was written last.

    Telegram tells whole seconds: within one second, what came last counts.
    """
    found = [
        (_whole_second(item), item.created_at, name_of(direction, item.id))
        for direction in Direction
        for item in await snapshot.queue(direction).latest_of(
            conversation_id, kinds=MESSAGES, limit=LATEST
        )
    ]
    return max(found)[2] if found else None


def _whole_second(item: QueueItem) -> datetime:
    """Return when a message was written, or came where that is not known, in whole seconds."""
    return (written_at(item) or item.created_at).replace(microsecond=0)


async def _by_row(snapshot: Snapshot, row: StoredMessage) -> Found | None:
    if row.external_id:
        return await _by_external_id(snapshot, row.external_id)
    return await _by_kommo_id(snapshot, row.kommo_message_id) if row.kommo_message_id else None


def written_at(item: QueueItem) -> datetime | None:
    """Return when a message was written, by the clock of its side."""
    if item.kind == Kind.NEW_MESSAGE:
        return NewMessage.model_validate_json(item.payload).at
    event = _event(item)
    return event.at if event else None


def _event(item: QueueItem) -> ManagerMessage | None:
    if item.kind != Kind.MANAGER_MESSAGE:
        return None
    try:
        event = parse_event(item.payload.encode())
    except PayloadError:
        return None
    return event if isinstance(event, ManagerMessage) else None


def _message_key(direction: Direction, item: QueueItem) -> str | None:
    """Return the id of the message that an item is about: ours, or Kommo's."""
    if direction is Direction.INCOMING:
        return item.dedupe_key if item.kind == Kind.NEW_MESSAGE else None
    event = _event(item)
    return event.kommo_message_id if event else None


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_NUMBER
