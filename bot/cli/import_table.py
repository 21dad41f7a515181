"""The plan and the result of an import, as a table and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.cli.import_progress import span
from bot.cli.terminal import say, show_table
from bot.imports.lane import Done
from bot.imports.plan import Plan, Side
from bot.translate.sizes import size_in_words
from bot.words import counted

COLUMNS = ("what", "how many", "which")
ONE_DAY = (
    "Kommo shows history only back to one day before the lead was made: older messages are kept, "
    "and appear on the card of a lead that is old enough"
)


def rows(plan: Plan, known: int, links_end: datetime) -> list[tuple[str, str, str]]:
    """Return the table of what is going to be done."""
    found = [("chats", str(len(plan.chats)), "")]
    sides: tuple[tuple[Side, str], ...] = (
        ("client", "messages of clients"),
        ("company", "messages of the company"),
    )
    for side, words in sides:
        found.append((words, str(plan.count_of(side)), _kinds(plan, side)))
    if known:
        found.append(("of these, imported before", str(known), "they are not sent again"))
    files = f"{size_in_words(plan.file_bytes)}, for Kommo to fetch until {links_end:%Y-%m-%d}"
    found.append(("files", str(plan.files), files if plan.files else ""))
    if plan.missing_files:
        found.append(("missing files", str(plan.missing_files), "a notice stands in their place"))
    left_out = (plan.chats_left_out, plan.messages_left_out)
    for counts in left_out:
        found += [(f"left out: {why}", str(count), "") for why, count in sorted(counts.items())]
    found.append(("time", f"about {span(plan.takes_s)}", "at Kommo's pace, one message a call"))
    return found


def _kinds(plan: Plan, side: Side) -> str:
    kinds = Counter({kind: n for (one, kind), n in plan.messages.items() if one == side})
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def show(plan: Plan, known: int, links_end: datetime, notes: Sequence[str]) -> None:
    """Print the table, and what is to be known besides."""
    show_table(COLUMNS, rows(plan, known, links_end))
    for note in notes:
        say(f"note: {note}", err=True)


def document(plan: Plan, known: int, links_end: datetime, notes: Sequence[str]) -> dict[str, Any]:
    """Return what is going to be done, for JSON."""
    return {
        "chats": len(plan.chats),
        "messages": plan.count,
        "by_side": {side: _by_kind(plan, side) for side in ("client", "company")},
        "imported_before": known,
        "files": plan.files,
        "file_bytes": plan.file_bytes,
        "missing_files": plan.missing_files,
        "left_out": {
            "chats": dict(sorted(plan.chats_left_out.items())),
            "messages": dict(sorted(plan.messages_left_out.items())),
        },
        "takes_s": round(plan.takes_s),
        "links_end_at": links_end.isoformat(timespec="seconds"),
        "notes": list(notes),
    }


def _by_kind(plan: Plan, side: str) -> Mapping[str, int]:
    return {kind: n for (one, kind), n in sorted(plan.messages.items()) if one == side}


def result(done: Done, took_s: float) -> dict[str, Any]:
    """Return the result, for JSON."""
    return {
        "sent": done.sent,
        "imported_before": done.before,
        "already_live": done.live,
        "refused": [
            {"id": one.item, "conversation_id": one.conversation_id, "reason": one.reason}
            for one in done.refused
        ],
        "lost_reactions": done.lost_reactions,
        "took_s": round(took_s, 1),
    }


def show_result(done: Done, took_s: float) -> None:
    """Print the result."""
    say(f"{counted(done.sent, 'message')} imported in {span(took_s)}.")
    if done.before:
        say(f"{counted(done.before, 'message')} had been imported before.")
    if done.live:
        say(f"{counted(done.live, 'message')} had been delivered live by the bridge.")
    if done.lost_reactions:
        say(f"Kommo did not accept {counted(done.lost_reactions, 'reaction')}.")
    if done.refused:
        say(f"Kommo refused {counted(len(done.refused), 'message')}, see `queue list`:")
        for one in done.refused:
            say(f"  {one.item}  {one.conversation_id}  {one.reason}")
