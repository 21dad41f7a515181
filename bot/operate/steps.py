"""The steps of a message in order: causes first, then moments (pure).

Three clocks tell the moments: ours, Kommo's, and Telegram's, which tells whole seconds. Whatever
they say, a message is written before it is received, tried before it is shown, and shown before it
is reported as delivered.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

WHOLE_SECOND = timedelta(seconds=1)
"""What Telegram calls a moment is somewhere in that second. Reference: Bot API, Message (date)."""

ENDS = frozenset({"sent", "dead", "dropped"})
WAITS = "waits"
ERROR = -1


@dataclass(frozen=True)
class Step:
    """One thing that happened to a message.

    Args:
        step: written, imported, received, stored, attempt, part, sent, dead, dropped, blocked,
            held, waits or status.
        text: the same in words.
        details: what else is known of it.
    """

    at: datetime
    step: str
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Placed:
    """A step with the moment at which it stands by what is known, and its turn within that."""

    at: datetime
    turn: int
    step: Step


def in_order(
    item: Sequence[Step], parts: Sequence[Step], statuses: Sequence[Sequence[Step]]
) -> tuple[Step, ...]:
    """Return the steps of a message in order.

    Args:
        item: what happened to its item, in that order.
        parts: the Telegram messages it became, in their order, by Telegram's clock.
        statuses: what was reported to Kommo: for each status its steps, in that order.
    """
    own = _own(item)
    shown = _shown(parts, own)
    told = [placed for steps in statuses for placed in _told(steps, own, shown)]
    placed = sorted([*own, *shown, *told], key=lambda one: (one.at, one.turn))
    waiting = [one for one in placed if one.step.step == WAITS]
    return tuple(one.step for one in [*(one for one in placed if one not in waiting), *waiting])


def _own(steps: Sequence[Step]) -> list[_Placed]:
    """Place an item's steps: each after the one before it, also where the clock was set back."""
    placed: list[_Placed] = []
    for step in steps:
        at = max(step.at, placed[-1].at) if placed else step.at
        placed.append(_Placed(at, _turn(step), step))
    if len(steps) > 1 and steps[0].step == "written" and steps[0].at > steps[1].at:
        later = _own(steps[1:])  # the other side's clock is ahead of ours
        return [_Placed(later[0].at, _turn(steps[0]), steps[0]), *later]
    return placed


def _shown(parts: Sequence[Step], own: Sequence[_Placed]) -> list[_Placed]:
    """Place what Telegram shows: after the attempt that sent it, before the item's end."""
    failed = [one for one in own if one.step.step == "attempt" and not _is_end(one.step)]
    begun = failed[:1] or [one for one in own if one.step.step == "stored"]
    end = next((one.at for one in own if _is_end(one.step)), None)
    placed: list[_Placed] = []
    for part in parts:
        tried = [one.at for one in failed if one.step.at < part.at + WHOLE_SECOND]
        at = max([part.at, *tried, *(one.at for one in [*begun, *placed[-1:]])])
        at = at if end is None else min(at, end)
        is_in_its_second = part.at <= at < part.at + WHOLE_SECOND
        step = replace(part, at=at) if is_in_its_second else part
        placed.append(_Placed(at, _turn(part), step))
    return placed


def _told(
    steps: Sequence[Step], own: Sequence[_Placed], shown: Sequence[_Placed]
) -> Iterable[_Placed]:
    """Place what was reported of one status: after what it reports."""
    if not steps:
        return
    code = steps[-1].details.get("status")
    causes = [one.at for one in own if one.step.step == "sent"] + [one.at for one in shown]
    if code == ERROR:  # it may have been sent after all, later
        causes = [one.at for one in own if one.step.details.get("outcome") == "undeliverable"][:1]
    at = max([steps[0].at, *causes])
    for step in steps:
        at = max(at, step.at)
        yield _Placed(at, _turn(step) + (code == 2), step)  # noqa: PLR2004 - read comes last


def _is_end(step: Step) -> bool:
    return step.step in ENDS or step.details.get("outcome") == "delivered"


def _turn(step: Step) -> int:
    """Return which comes first of steps at one moment."""
    if step.step.startswith("status") or "status" in step.details:
        return 8
    turns = {"written": 0, "received": 1, "stored": 2, "attempt": 3, "part": 4}
    return 5 if _is_end(step) and step.step == "attempt" else turns.get(step.step, 6)
