"""The history of an item, and of what it became, as steps (pure)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from bot.operate.dead_items import remedy
from bot.operate.message_search import written_at
from bot.operate.steps import Step
from bot.queue.items import Kind, name_of
from kommo.read_back import is_read_back
from kommo.statuses import DeliveryStatus
from storage.message_reader import StoredMessage
from storage.queue.attempts import Attempt
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

STATUS_WORDS = {1: "delivered", 2: "read", -1: "error"}
OUTCOME_WORDS = {
    "retry_later": "failed",
    "undeliverable": "failed for good",
    "interrupted": "was interrupted",
}


def of_item(direction: Direction, item: QueueItem, attempts: Iterable[Attempt]) -> Iterator[Step]:
    """Return what happened to a message's item."""
    here, there = (
        ("Telegram", "Kommo") if direction is Direction.INCOMING else ("Kommo", "Telegram")
    )
    name = name_of(direction, item.id)
    if item.kind in {Kind.BLOCKED, Kind.HELD}:
        yield Step(item.created_at, item.kind, item.reason or "")
        return
    at = written_at(item)
    if at is not None:
        yield Step(at, "written", f"written in {here}")
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
        yield _waits(item)
    elif item.finished_at is not None:
        yield from _finished(item, item.finished_at, name, there)


def _waits(item: QueueItem) -> Step:
    at = item.due_at or item.started_at or item.created_at
    text = "an attempt is in flight" if item.started_at else "waits for its next attempt"
    if item.due_at is None and item.started_at is None:
        text = "waits behind an earlier message"
    return Step(at, "waits", text, {"reason": item.reason})


def _finished(item: QueueItem, at: datetime, name: str, there: str) -> Iterator[Step]:
    if item.state == "dead":
        details = {"reason": item.reason, "remedy": remedy(name, item)}
        yield Step(at, "dead", f"given up: {item.reason}", details)
    elif item.reason:
        yield Step(at, "dropped", item.reason)
    else:
        if item.attempts:
            text = f"attempt {item.attempts} delivered it"
            yield Step(at, "attempt", text, {"number": item.attempts, "outcome": "delivered"})
        yield Step(at, "sent", f"{there} took it")


def of_status(item: QueueItem, attempts: Iterable[Attempt]) -> Iterator[Step]:
    """Return what happened to the report of a delivery status."""
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


def shown(row: StoredMessage) -> Step:
    """Return when Telegram showed a message, or a part of one."""
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
