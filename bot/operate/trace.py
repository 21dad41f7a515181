"""The path of one message through the bridge, read from the database, not the log."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.errors import BridgeError
from bot.operate.dead_items import remedy
from bot.operate.steps import Step, in_order
from bot.queue.items import Kind, item_named, name_of
from bot.translate.ids import parse_conversation, parse_message
from kommo.errors import PayloadError
from kommo.events import ManagerMessage, parse_event
from kommo.models import DeliveryStatus, NewMessage
from kommo.read_back import is_read_back
from storage.database import Snapshot
from storage.messages import StoredMessage
from storage.queue.attempts import Attempt
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

STATUS_WORDS = {1: "delivered", 2: "read", -1: "error"}
OUTCOME_WORDS = {
    "retry_later": "failed",
    "undeliverable": "failed for good",
    "interrupted": "was interrupted",
}
MESSAGES = (Kind.NEW_MESSAGE, Kind.MANAGER_MESSAGE, Kind.LEGACY_MESSAGE, Kind.UPDATE)
LATEST = 50
"""Among so many of those stored last is the one that was written last."""

LONGEST_NUMBER = 15
"""Digits of a number that SQLite and Telegram both know."""


class NoSuchMessageError(BridgeError):
    """Nothing is kept of a message of this id."""


class AmbiguousIdError(BridgeError):
    """Several messages are called so."""


@dataclass(frozen=True)
class Trail:
    """All that is known of one message, in the order of time."""

    direction: Direction
    conversation_id: str | None
    item: str | None
    external_id: str | None
    kommo_message_id: str | None
    telegram_message_ids: tuple[int, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Found:
    """What the database keeps of one message."""

    direction: Direction
    item: QueueItem | None = None
    rows: tuple[StoredMessage, ...] = ()


async def trail_of(snapshot: Snapshot, name: str) -> Trail:
    """Return the way of a message.

    Args:
        snapshot: what is committed.
        name: an item as `queue list` names it; our id of a message; Kommo's; a Telegram message
            as CHAT/MESSAGE or BOT/CHAT/MESSAGE; or a conversation, for its newest message.

    Raises:
        NoSuchMessageError: nothing is kept of it.
        AmbiguousIdError: several messages are called so.
    """
    found = await _find(snapshot, name)
    if found is None:
        raise NoSuchMessageError(
            f"nothing is known about {name!r}; an id is one of `queue list`, Kommo's or our id of "
            "a message, CHAT/MESSAGE as Telegram numbers them, or a conversation's id"
        )
    own: list[Step] = []
    if found.item is not None:
        attempts = await snapshot.attempts.of_item(found.direction, found.item.id)
        own += _of_item(found.direction, found.item, attempts)
    kommo_id = _kommo_message_id(found)
    is_outgoing = found.direction is Direction.OUTGOING
    parts = [_shown(row) for row in found.rows] if is_outgoing else []
    statuses = await _of_statuses(snapshot, kommo_id) if is_outgoing else []
    return Trail(
        direction=found.direction,
        conversation_id=_conversation_id(found),
        item=name_of(found.direction, found.item.id) if found.item else None,
        external_id=_external_id(found),
        kommo_message_id=kommo_id,
        telegram_message_ids=tuple(row.telegram_message_id for row in found.rows),
        steps=in_order(own, parts, statuses),
    )


async def _find(snapshot: Snapshot, name: str) -> _Found | None:
    """Return what is kept of a message, by whichever id names it."""
    return (
        await _by_item(snapshot, name)
        or await _by_kommo_id(snapshot, name)
        or await _by_external_id(snapshot, name)
        or await _by_telegram(snapshot, name)
        or await _by_conversation(snapshot, name)
    )


async def _by_item(snapshot: Snapshot, name: str) -> _Found | None:
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
        return _Found(direction, item, (row,) if row else ())
    rows = await snapshot.messages.by_kommo_message(key) if key else []
    return _Found(direction, item, tuple(rows))


async def _by_kommo_id(snapshot: Snapshot, name: str) -> _Found | None:
    item = await snapshot.to_telegram.by_dedupe_key(f"message:{name}")
    rows = await snapshot.messages.by_kommo_message(name)
    if item is None and rows and rows[0].external_id:
        return await _by_external_id(snapshot, rows[0].external_id)
    return _Found(Direction.OUTGOING, item, tuple(rows)) if item or rows else None


async def _by_external_id(snapshot: Snapshot, name: str) -> _Found | None:
    item = await snapshot.to_kommo.by_dedupe_key(name)
    row = await snapshot.messages.by_external_id(name)
    if item is not None or row is not None:
        return _Found(Direction.INCOMING, item, (row,) if row else ())
    place = parse_message(name)
    if place is None:
        return None
    address, message_id = place
    row = await snapshot.messages.by_telegram(
        address.bot_id, address.chat_id, message_id, address.business_user_id
    )
    return await _by_row(snapshot, row) if row else None


async def _by_telegram(snapshot: Snapshot, name: str) -> _Found | None:
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
    return await _by_row(snapshot, rows[0]) if rows else None


async def _by_conversation(snapshot: Snapshot, name: str) -> _Found | None:
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
    return (_written_at(item) or item.created_at).replace(microsecond=0)


async def _by_row(snapshot: Snapshot, row: StoredMessage) -> _Found | None:
    if row.external_id:
        return await _by_external_id(snapshot, row.external_id)
    return await _by_kommo_id(snapshot, row.kommo_message_id) if row.kommo_message_id else None


async def _of_statuses(snapshot: Snapshot, kommo_id: str | None) -> list[list[Step]]:
    """Return what Kommo was told of a manager's message, status by status."""
    steps: list[list[Step]] = []
    for code in STATUS_WORDS:
        item = await snapshot.to_kommo.by_dedupe_key(f"status:{kommo_id}:{code}")
        if item is not None:
            attempts = await snapshot.attempts.of_item(Direction.INCOMING, item.id)
            steps.append(list(_of_status(item, attempts)))
    return steps


def _of_status(item: QueueItem, attempts: Iterable[Attempt]) -> Iterator[Step]:
    status = DeliveryStatus.model_validate_json(item.payload)
    code = int(status.status)
    what = f"status {code} ({STATUS_WORDS[code]})"
    details = {"status": code, "error_code": status.error_code, "error": status.error}
    for attempt in attempts:
        text = f"reporting {what} {OUTCOME_WORDS[attempt.outcome]}: {attempt.reason}"
        yield Step(attempt.began_at, "attempt", text, _attempt_details(attempt) | {"status": code})
    if item.state == "done" and item.finished_at and item.reason is None:
        words = f": {status.error}" if status.error else ""
        yield Step(item.finished_at, "status", f"{what} reported to Kommo{words}", details)
    else:
        at = item.finished_at or item.created_at
        state = "waits to be" if item.state == "pending" else "was not"
        text = f"{what} {state} reported to Kommo: {item.reason or 'its turn comes'}"
        yield Step(at, f"status_{item.state}", text, details | {"reason": item.reason})


def _of_item(direction: Direction, item: QueueItem, attempts: Iterable[Attempt]) -> Iterator[Step]:
    """Return what happened to a message's item."""
    here, there = (
        ("Telegram", "Kommo") if direction is Direction.INCOMING else ("Kommo", "Telegram")
    )
    name = name_of(direction, item.id)
    written_at = _written_at(item)
    if written_at is not None:
        yield Step(written_at, "written", f"written in {here}")
    way = "recovered from Kommo's history: its webhook was missed"
    received = way if is_read_back(item.payload) else f"received from {here}"
    yield Step(item.created_at, "received", received)
    yield Step(item.created_at, "stored", f"stored as {name}", {"item": name, "kind": item.kind})
    for attempt in attempts:
        took = f" after {attempt.took_ms} ms" if attempt.took_ms is not None else ""
        doubt = "; it may have been carried out" if attempt.is_uncertain else ""
        text = f"attempt {attempt.number} {OUTCOME_WORDS[attempt.outcome]}{took}: {attempt.reason}"
        yield Step(attempt.began_at, "attempt", text + doubt, _attempt_details(attempt))
    yield from _end(item, name, there)


def _end(item: QueueItem, name: str, there: str) -> Iterator[Step]:
    """Return how far an item is."""
    if item.state == "pending":
        at = item.due_at or item.started_at or item.created_at
        text = "an attempt is in flight" if item.started_at else "waits for its next attempt"
        if item.due_at is None and item.started_at is None:
            text = "waits behind an earlier message"
        yield Step(at, "waits", text, {"reason": item.reason})
    elif item.finished_at is not None and item.state == "dead":
        yield Step(
            item.finished_at,
            "dead",
            f"given up: {item.reason}",
            {"reason": item.reason, "remedy": remedy(name, item)},
        )
    elif item.finished_at is not None and item.reason:
        yield Step(item.finished_at, "dropped", item.reason)
    elif item.finished_at is not None:
        if item.attempts:
            details = {"number": item.attempts, "outcome": "delivered"}
            text = f"attempt {item.attempts} delivered it"
            yield Step(item.finished_at, "attempt", text, details)
        yield Step(item.finished_at, "sent", f"{there} took it")


def _shown(row: StoredMessage) -> Step:
    text = f"shown in Telegram as message {row.telegram_message_id} of chat {row.chat_id}"
    details = {
        "telegram_message_id": row.telegram_message_id,
        "chat_id": row.chat_id,
        "part": row.part,
    }
    return Step(row.at, "part", text, details)


def _attempt_details(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "took_ms": attempt.took_ms,
        "may_have_been_carried_out": attempt.is_uncertain,
    }


def _written_at(item: QueueItem) -> datetime | None:
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


def _external_id(found: _Found) -> str | None:
    if found.item is not None and found.direction is Direction.INCOMING:
        return _message_key(found.direction, found.item)
    return next((row.external_id for row in found.rows if row.external_id), None)


def _kommo_message_id(found: _Found) -> str | None:
    if found.item is not None and found.direction is Direction.OUTGOING:
        return _message_key(found.direction, found.item)
    return next((row.kommo_message_id for row in found.rows if row.kommo_message_id), None)


def _conversation_id(found: _Found) -> str | None:
    if found.item is not None and found.item.conversation_id:
        return found.item.conversation_id
    return next((row.conversation_id for row in found.rows), None)


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_NUMBER
