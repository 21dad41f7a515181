"""The status page, from plain data (pure). One file of HTML: no script, nothing from outside."""

from collections.abc import Sequence
from html import escape
from math import ceil

from bot.health import BotHealth
from bot.operate.dead_items import Failed
from bot.operate.status.state import STEP, QueueState, State, Traffic

REFRESH_S = 30
WIDTH, HEIGHT = 720, 120
HOUR_S, MINUTE_S = 3600, 60

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #5b6470; --paper: #f6f7f9; --card: #fff;
  --line: #dfe3e8; --good: #18794e; --bad: #c62a2f; --in: #0b68cb; --out: #b4520e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --dim: #9aa4af; --paper: #14171b;
  --card: #1d2126; --line: #343a42; --good: #4cc38a; --bad: #ff8589; --in: #6cb2ff;
  --out: #ffa057; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.3rem; margin: .5rem 0 0; } h2 { font-size: 1rem; margin: 0 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem; margin: 1rem 0; }
.dim { color: var(--dim); font-size: .875rem; } .good { color: var(--good); }
.bad { color: var(--bad); }
.big { font-size: 1.6rem; font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem; }
.cards section { margin: 0; }
svg { display: block; width: 100%; height: auto; } .in { stroke: var(--in); color: var(--in); }
.out { stroke: var(--out); color: var(--out); }
polyline { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
ul { list-style: none; margin: 0; padding: 0; }
li { padding: .6rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
li:first-child { border-top: 0; }
form { margin: .4rem 0 0; }
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
    problems = state.health.problems()
    head = (
        f'<p class="big bad">{escape("; ".join(problems))}</p>'
        if problems
        else '<p class="big bad">Deliveries are paused</p>'
        if state.health.is_paused
        else '<p class="big bad">It waits for Kommo</p>'
        if state.health.waits_for_kommo
        else '<p class="big good">It works</p>'
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_S}">'
        '<title>kommo-telegram</title><link rel="icon" href="data:,">'
        f'<style nonce="{nonce}">{STYLE}</style></head><body><main>'
        f"<h1>kommo-telegram</h1>{head}"
        f'<p class="dim">{state.at:%Y-%m-%d %H:%M:%S} UTC, version {escape(version)}</p>'
        f'<div class="cards">{"".join(map(_queue, state.queues))}</div>'
        f"{_traffic(state.traffic)}{_parts(state)}{_failures(state.failures, csrf)}"
        "</main></body></html>"
    )


def duration(seconds: float) -> str:
    """Return a length of time in words, rounded to what matters."""
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.1f} h"


def _queue(queue: QueueState) -> str:
    title = "Incoming: to Kommo" if queue.direction == "incoming" else "Outgoing: to Telegram"
    waits = f"the oldest for {duration(queue.oldest_s)}" if queue.pending else "nothing waits"
    dead = f' <span class="bad">{queue.dead} dead</span>' if queue.dead else ""
    return (
        f'<section><h2>{title}</h2><span class="big">{queue.pending}</span> waiting{dead}'
        f'<div class="dim">{waits}</div></section>'
    )


def _traffic(traffic: Traffic) -> str:
    minutes = STEP.total_seconds() / MINUTE_S
    top = max(1, *traffic.incoming, *traffic.outgoing)
    lines = "".join(
        f'<polyline class="{name}" points="{_points(values, top)}"/>'
        for name, values in (("in", traffic.incoming), ("out", traffic.outgoing))
    )
    per_minute = top / minutes
    return (
        "<section><h2>Messages a minute, last 24 hours</h2>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Messages a minute">{lines}'
        f'</svg><div class="dim"><span class="in">incoming {sum(traffic.incoming)}</span>, '
        f'<span class="out">outgoing {sum(traffic.outgoing)}</span>; '
        f"at most {per_minute:.1f} a minute</div></section>"
    )


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


def _failures(failures: Sequence[Failed], csrf: str) -> str:
    if not failures:
        return '<section><h2>Failures</h2><p class="good">None.</p></section>'
    rows = "".join(
        f"<li><strong>{escape(item.name)}</strong> "
        f'<span class="dim">{item.since:%Y-%m-%d %H:%M} UTC '
        f"{escape(item.conversation_id or '')}</span>"
        f"<div>{escape(item.reason)}</div>{_button(item.name, csrf)}</li>"
        for item in failures
    )
    return f"<section><h2>Latest failures</h2><ul>{rows}</ul></section>"


def _button(name: str, csrf: str) -> str:
    return (
        '<form method="post" action="/retry">'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
        f'<input type="hidden" name="id" value="{escape(name)}">'
        "<button>Try again</button></form>"
    )
