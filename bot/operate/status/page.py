"""The status page, from plain data (pure). One file of HTML: no script, nothing from outside."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from math import ceil

from bot.conversations.accounts import trouble
from bot.health import BotHealth
from bot.operate.dead_items import Failed
from bot.operate.status.machine import LEAST_FREE_BYTES, OLD_COPY, Machine
from bot.operate.status.state import STEP, STEPS, QueueState, State, Traffic
from bot.words import counted
from storage.queue.direction import Direction

REFRESH_S = 30
WIDTH, HEIGHT = 720, 120
DAY_S, HOUR_S, MINUTE_S = 86_400, 3600, 60
DAYS_FROM_S = 2 * DAY_S
MARK_EVERY_H = 4
EDGE = 3.0
"""So near the chart's edge, in percent, an hour's name would be cut off."""

GIB, MIB = 1024**3, 1024**2

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #5b6470; --paper: #f6f7f9; --card: #fff;
  --line: #dfe3e8; --good: #18794e; --bad: #c62a2f; --warn: #8a5a00; --in: #0b68cb;
  --out: #b4520e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --dim: #9aa4af; --paper: #14171b;
  --card: #1d2126; --line: #343a42; --good: #4cc38a; --bad: #ff8589; --warn: #e8b04b;
  --in: #6cb2ff; --out: #ffa057; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.3rem; margin: .5rem 0 0; } h2 { font-size: 1rem; margin: 0 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem; margin: 1rem 0; }
.dim { color: var(--dim); font-size: .875rem; } .good { color: var(--good); }
.bad { color: var(--bad); } .warn { color: var(--warn); }
.big { font-size: 1.6rem; font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem; }
.cards section { margin: 0; }
svg { display: block; width: 100%; height: auto; } .in { stroke: var(--in); color: var(--in); }
.out { stroke: var(--out); color: var(--out); }
line { stroke: var(--line); } .hours text { fill: var(--dim); font-size: .8rem;
  text-anchor: middle; }
polyline { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
ul { list-style: none; margin: 0; padding: 0; }
li { padding: .6rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
li:first-child { border-top: 0; }
.actions { display: flex; flex-wrap: wrap; gap: .5rem; align-items: start; margin-top: .4rem; }
details p { margin: .4rem 0; }
summary { border: 1px solid var(--line); border-radius: .4rem; min-height: 2.5rem;
  padding: .4rem .9rem; cursor: pointer; color: var(--dim); }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--dim);
  border-radius: .4rem; min-height: 2.5rem; padding: .3rem .9rem; cursor: pointer; }
""".strip()


def page(state: State, *, csrf: str, nonce: str, version: str) -> str:
    """Return the whole page.

    Args:
        state: how the service is.
        csrf: the secret that a press of a button must bring along.
        nonce: allows the page's own style, and no other.
        version: the program's.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_S}">'
        '<title>kommo-telegram</title><link rel="icon" href="data:,">'
        f'<style nonce="{nonce}">{STYLE}</style></head><body><main>'
        f"<h1>kommo-telegram</h1>{_headline(state)}"
        f'<p class="dim">{state.at:%Y-%m-%d %H:%M:%S} UTC, version {escape(version)}'
        f"{_since(state)}</p>"
        f'<div class="cards">{"".join(map(_queue, state.queues))}</div>'
        f"{_traffic(state.traffic, state.at)}{_parts(state)}{_failures(state, csrf)}"
        f"{_machine(state.machine, state.at, state.health.backup_problem)}"
        "</main></body></html>"
    )


def _headline(state: State) -> str:
    """Return the first line; green only where nothing waits for a person."""
    problems = state.health.problems()
    dead = sum(queue.dead for queue in state.queues)
    if problems:
        return f'<p class="big bad">{escape("; ".join(problems))}</p>'
    if state.health.is_paused:
        return '<p class="big bad">Deliveries are paused</p>'
    if state.health.waits_for_kommo:
        return '<p class="big bad">It waits for Kommo</p>'
    if any(bot.problem for bot in state.health.bots.values()):
        return '<p class="big warn">It works, but not with every bot</p>'
    if dead:
        said = f"It works, but {counted(dead, 'item')} could not be delivered"
        return f'<p class="big warn">{said}</p>'
    return '<p class="big good">It works</p>'


def _since(state: State) -> str:
    started_at = state.health.started_at
    if started_at is None:
        return ""
    lasted = duration(max((state.at - started_at).total_seconds(), 0.0))
    return f", running since {started_at:%Y-%m-%d %H:%M} UTC ({lasted})"


def duration(seconds: float) -> str:
    """Return a length of time in words, rounded to what matters."""
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    if seconds < DAYS_FROM_S:
        return f"{seconds / HOUR_S:.1f} h"
    return f"{seconds / DAY_S:.0f} days"


def _queue(queue: QueueState) -> str:
    title = (
        "Incoming: to Kommo" if queue.direction is Direction.INCOMING else "Outgoing: to Telegram"
    )
    waits = f"the oldest for {duration(queue.oldest_s)}" if queue.pending else "nothing waits"
    dead = f' <span class="bad">{queue.dead} dead</span>' if queue.dead else ""
    return (
        f'<section><h2>{title}</h2><span class="big">{queue.pending}</span> waiting{dead}'
        f'<div class="dim">{waits}</div></section>'
    )


def _traffic(traffic: Traffic, at: datetime) -> str:
    minutes = STEP.total_seconds() / MINUTE_S
    top = max(1, *traffic.incoming, *traffic.outgoing)
    lines = "".join(
        f'<polyline class="{name}" points="{_points(values, top)}"/>'
        for name, values in (("in", traffic.incoming), ("out", traffic.outgoing))
    )
    per_minute, marks = top / minutes, hour_marks(at)
    return (
        "<section><h2>Messages a minute, last 24 hours</h2>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Messages a minute">'
        f"{''.join(_grid(share) for share, _hour in marks)}{lines}</svg>"
        '<svg class="hours" width="100%" height="20" aria-hidden="true">'
        f"{''.join(_hour(share, hour) for share, hour in marks)}</svg>"
        f'<div class="dim"><span class="in">incoming {sum(traffic.incoming)}</span>, '
        f'<span class="out">outgoing {sum(traffic.outgoing)}</span>; '
        f"at most {per_minute:.1f} a minute; hours in UTC</div></section>"
    )


def hour_marks(at: datetime) -> list[tuple[float, str]]:
    """Return the whole hours below the chart: where, in percent of its width, and the time."""
    begins_at, length = at - STEP * STEPS, STEP * STEPS
    hour = at.replace(minute=0, second=0, microsecond=0)
    hours = (hour - timedelta(hours=number) for number in range(25))
    marks = ((100 * ((one - begins_at) / length), one) for one in hours)
    return [
        (share, f"{one:%H:%M}")
        for share, one in marks
        if one.hour % MARK_EVERY_H == 0 and EDGE <= share <= 100 - EDGE
    ]


def _grid(share: float) -> str:
    x = f"{WIDTH * share / 100:.1f}"
    return f'<line x1="{x}" y1="0" x2="{x}" y2="{HEIGHT}"/>'


def _hour(share: float, hour: str) -> str:
    return f'<text x="{share:.2f}%" y="15">{hour}</text>'


def _points(values: Sequence[int], top: int) -> str:
    step = WIDTH / max(len(values) - 1, 1)
    room = HEIGHT - 4
    return " ".join(
        f"{number * step:.0f},{ceil(HEIGHT - 2 - room * value / top)}"
        for number, value in enumerate(values)
    )


def _parts(state: State) -> str:
    channel = state.health.channel
    rows = [
        _part(
            "Kommo channel", None if channel.is_connected else channel.problem or "not connected"
        )
    ]
    if state.health.rest.problem:
        rows.append(_part("Kommo's REST API", state.health.rest.problem))
    rows += [_part(_bot_name(bot), bot.problem) for bot in state.health.bots.values()]
    rows += [_part(f"Business account {one.name}", trouble(one)) for one in state.accounts]
    return f"<section><h2>Parts</h2><ul>{''.join(rows)}</ul></section>"


def _bot_name(bot: BotHealth) -> str:
    name = f"Bot {bot.name} ({bot.bot_id})" if bot.name else f"Bot {bot.bot_id}"
    return f"{name}, source {bot.source}" if bot.source else name


def _part(name: str, problem: str | None) -> str:
    said = (
        f'<span class="bad">{escape(problem)}</span>'
        if problem
        else '<span class="good">ok</span>'
    )
    return f"<li>{escape(name)}: {said}</li>"


def _machine(machine: Machine | None, at: datetime, problem: str | None) -> str:
    """Return what there is besides: the last copy of the database, free disk."""
    if machine is None:
        return ""
    failed = f'; <span class="bad">{escape(problem)}</span>' if problem else ""
    rows = [f"<li>Last backup: {_backup(machine, at)}{failed}</li>"]
    if machine.free_bytes is not None:
        kind = "bad" if machine.free_bytes < LEAST_FREE_BYTES else "good"
        free = f'<span class="{kind}">{size(machine.free_bytes)}</span>'
        rows.append(f"<li>Free disk space: {free}</li>")
    return f"<section><h2>Machine</h2><ul>{''.join(rows)}</ul></section>"


def last_copy(machine: Machine, at: datetime) -> str:
    """Return in words how old the last backup is."""
    if machine.backup_at is None:
        return "no backup has been made"
    return f"the last backup is {duration((at - machine.backup_at).total_seconds())} old"


def _backup(machine: Machine, at: datetime) -> str:
    remedy = "" if machine.is_copied_daily else "; storage.backup_dir makes one a day"
    if machine.backup_at is None:
        return f'<span class="warn">none yet{remedy}</span>'
    age_s = max((at - machine.backup_at).total_seconds(), 0.0)
    said = f"{duration(age_s)} ago"
    if age_s <= OLD_COPY.total_seconds():
        return f'<span class="good">{said}</span>'
    return f'<span class="warn">{said}{remedy}</span>'


def size(number: int) -> str:
    """Return a size in words."""
    return f"{number / GIB:.1f} GiB" if number >= GIB else f"{number // MIB} MiB"


def _failures(state: State, csrf: str) -> str:
    """Return what failed: what waits for a person, and what is tried again by itself."""
    if not state.failures and not state.troubled:
        return '<section><h2>Failures</h2><p class="good">None.</p></section>'
    parts = (
        ("Latest failures", state.failures),
        ("Failed before, and tried again", state.troubled),
    )
    return "".join(
        f"<section><h2>{title}</h2><ul>{''.join(_row(item, csrf) for item in items)}</ul>"
        "</section>"
        for title, items in parts
        if items
    )


def _row(item: Failed, csrf: str) -> str:
    client = f"<bdi>{escape(item.client)}</bdi> " if item.client else ""
    again = "Retry now" if item.state == "pending" else "Retry"
    return (
        f"<li><strong>{escape(item.name)}</strong> {client}"
        f'<span class="dim">{item.since:%Y-%m-%d %H:%M} UTC '
        f"{escape(item.conversation_id or '')}</span>"
        f"<div>{escape(item.reason)}</div>"
        f'<div class="dim">What to do: {escape(item.remedy)}</div>'
        f'<div class="actions">{_button("/retry", item.name, csrf, again)}'
        "<details><summary>Drop</summary><p>It will never be delivered.</p>"
        f"{_button('/drop', item.name, csrf, 'Drop it for good')}</details></div></li>"
    )


def _button(action: str, name: str, csrf: str, label: str) -> str:
    return (
        f'<form method="post" action="{action}">'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
        f'<input type="hidden" name="id" value="{escape(name)}">'
        f"<button>{label}</button></form>"
    )
