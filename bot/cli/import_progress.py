"""The progress of an import: a bar on a terminal, one line a minute elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bot.cli.terminal import plain, say
from bot.imports.lane import Done
from bot.imports.plan import Plan

EVERY_S = 60.0
MINUTE_S, HOUR_S = 60, 3600


def span(seconds: float) -> str:
    """Return how long something takes, as people say it."""
    if seconds < MINUTE_S:
        return f"{max(round(seconds), 1)} s"
    if seconds < 2 * HOUR_S:
        return f"{round(seconds / MINUTE_S)} min"
    return f"{seconds / HOUR_S:.1f} h"


def line(done: Done, plan: Plan, took_s: float) -> str:
    """Return one line that says all: messages, chats, rate, time left."""
    rate = done.sent / took_s if took_s > 0 else 0.0
    rest = max(plan.count - done.count, 0)
    left = f", {span(rest / rate)} left" if rate > 0 and rest else ""
    trouble = f" ({done.trouble})" if done.trouble else ""
    return (
        f"{done.count} of {plan.count} messages, {done.chats} of {len(plan.chats)} chats, "
        f"{rate:.1f} a second{left}{trouble}"
    )


@contextmanager
def shown(plan: Plan, *, every_s: float = EVERY_S) -> Iterator[Callable[[Done], None]]:
    """Show what comes in, on standard error."""
    began_at = time.monotonic()
    if not sys.stderr.isatty():
        yield _now_and_then(plan, began_at, every_s)
        return
    console = Console(stderr=True, markup=False, highlight=False)
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% "),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        task = progress.add_task("", total=plan.count)

        def show(done: Done) -> None:
            text = plain(line(done, plan, time.monotonic() - began_at))
            progress.update(task, completed=done.count, description=text)

        yield show


def _now_and_then(plan: Plan, began_at: float, every_s: float) -> Callable[[Done], None]:
    said_at = began_at

    def show(done: Done) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= every_s:
            said_at = time.monotonic()
            say(line(done, plan, said_at - began_at), err=True)

    return show
