"""The findings of `check`: name, state, text and remedy (pure)."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """A finding and its remedy."""

    name: str
    state: State
    text: str
    remedy: str = ""


def well(name: str, text: str) -> Finding:
    """Return what needs nothing."""
    return Finding(name, "ok", text)


def doubt(name: str, text: str, remedy: str) -> Finding:
    """Return what a person should know of, and what may wait."""
    return Finding(name, "warning", text, remedy)


def failure(name: str, text: str, remedy: str) -> Finding:
    """Return what keeps the bridge from its work."""
    return Finding(name, "failed", text, remedy)
