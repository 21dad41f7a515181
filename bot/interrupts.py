"""Ctrl-C while the program is on its way to a command, or from it to its end.

Nothing has begun then, or all is done, so there is nothing to undo and nothing to say. Only the
standard library's smallest modules are imported here: this is the first module of a start.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

EXIT_CODE = 130
"""What a shell says of a command that Ctrl-C has ended."""

Handler = Callable[[int, FrameType | None], Any]


def be_quiet() -> None:
    """From now on, end the process at once and without a word, unless Ctrl-C is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


@contextmanager
def heard() -> Iterator[None]:
    """Let Ctrl-C interrupt what runs, which may have something to undo or to say."""
    with _as(signal.default_int_handler, instead_of=_leave):
        yield


@contextmanager
def unheard() -> Iterator[None]:
    """Let Ctrl-C end the process at once, as long as only modules are imported."""
    with _as(_leave, instead_of=signal.default_int_handler):
        yield


@contextmanager
def _as(handler: Handler, *, instead_of: Handler) -> Iterator[None]:
    try:
        is_ours = signal.getsignal(signal.SIGINT) is instead_of
        if is_ours:
            signal.signal(signal.SIGINT, handler)
    except ValueError:  # a thread that hears no signals
        is_ours = False
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, instead_of)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_CODE)
