"""Sort what a stop interrupted: calls begun, calls taken, calls that only waited."""

import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bot.deliver.dropped import dropped
from bot.deliver.telegram.journal import Journal, Line
from bot.queue.outcomes import LONGEST_ASKED_S, Undeliverable
from storage.database import Database, Transaction
from storage.heartbeat import ALIVE_AT, moment
from storage.queue.reader import QueueItem
from storage.queue.upkeep import Claims

Settle = Callable[[Transaction, QueueItem, Undeliverable], Awaitable[None]]

BOOT = "sends_boot"
"""The fact: the boot in which the journal was last written."""

LONGEST_PAUSE = timedelta(seconds=LONGEST_ASKED_S)
SOON = timedelta(seconds=60)

BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")


def boot_id(environ: Mapping[str, str] = os.environ, path: Path = BOOT_FILE) -> str | None:
    """Return what names the time since the machine was started; None where nothing does.

    systemd tells it where the service does not see the file.
    Reference: systemd.unit, Specifiers (%b); proc_sys_kernel(5).
    """
    try:
        return environ.get("BOOT_ID") or path.read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


async def recover(
    database: Database,
    journal: Journal,
    *,
    boot_id: str | None,
    now: datetime,
    settle: Settle | None = None,
) -> int:
    """After a start: put right what an earlier process left in flight.

    The journal tells what was begun, unless it was lost, or the power was: a kill takes no line
    of it along, a power cut takes the last ones. Then whatever was claimed may have been sent.

    Args:
        database: where the items are.
        journal: of the calls that were begun.
        boot_id: what names the time since the machine was started.
        now: the time.
        settle: stores what follows from the end of an item that was dropped meanwhile.

    Returns:
        how many attempts were interrupted; their outcome is unknown.
    """
    async with database.transaction() as tx:
        latest = _latest_due(await tx.facts.get(ALIVE_AT), now)
        is_whole = boot_id is not None and boot_id == await tx.facts.get(BOOT)
        claims = await _claims(tx, journal.read(), is_whole=is_whole and not journal.is_new)
        given_up = await tx.to_telegram.dropped_under_way()
        interrupted = await tx.to_telegram.recover(now=now, claims=claims, latest=latest)
        interrupted += await tx.to_kommo.recover(now=now, latest=latest)
        if settle is not None:
            await _end_dropped(tx, given_up, settle)
        await tx.facts.put(BOOT, boot_id or "")
    return interrupted


async def _end_dropped(tx: Transaction, given_up: Sequence[int], settle: Settle) -> None:
    """Store what follows from the drop of items whose attempts were cut off before their end.

    What Telegram has taken is not among them: it is recorded as delivered.
    """
    for item_id in given_up:
        item = await tx.to_telegram.get(item_id)
        if item is not None and item.state == "done":
            await settle(tx, item, dropped(item))


def _latest_due(alive_at: str | None, now: datetime) -> datetime:
    """Return until when an item may wait: no longer than a pause, not at all after a clock jump.

    A sign of life from the future shows that the clock was set back while nobody watched it.
    """
    was_set_back = (alive := moment(alive_at)) is not None and alive > now + SOON
    return now if was_set_back else now + LONGEST_PAUSE


async def _claims(tx: Transaction, lines: Sequence[Line], *, is_whole: bool) -> Claims:
    """Return what became of the claimed items; store which parts of theirs were sent."""
    uncertain, delivered = set(), set()
    for item, own in await _by_item(tx, lines):
        await _record_parts(tx, item, own)
        words = [line.word for line in {line.step.number: line for line in own}.values()]
        if any(line.is_delivered for line in own):
            delivered.add(item.id)
        elif "begun" in words:
            uncertain.add(item.id)
    return Claims(delivered=delivered, uncertain=uncertain if is_whole else None)


async def _by_item(
    tx: Transaction, lines: Sequence[Line]
) -> Sequence[tuple[QueueItem, Sequence[Line]]]:
    """Return the claimed items that lines are about, with their lines."""
    found: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.step.item_id].append(line)
    items = [(await tx.to_telegram.get(item_id), own) for item_id, own in found.items()]
    return [
        (item, [line for line in own if line.step.is_of(item)])
        for item, own in items
        if item is not None and item.started_at is not None
    ]


async def _record_parts(tx: Transaction, item: QueueItem, lines: Sequence[Line]) -> None:
    """Store the calls before the last that Telegram took."""
    for line in lines:
        if line.word == "taken" and not line.step.is_last and line.step.number > item.progress:
            await tx.to_telegram.record_progress(item.id, progress=line.step.number)
            if line.part is not None:
                await tx.messages.remember_outgoing(line.part)
