"""Errors of the bridge itself.

BridgeError ─ ConfigError   settings that are wrong; one line per wrong setting
"""

from collections.abc import Iterable
from dataclasses import dataclass


class BridgeError(Exception):
    """Something that the person who runs the bridge can fix; the text says how."""


@dataclass(frozen=True)
class Problem:
    """One wrong setting; never its value, which may be a secret.

    Args:
        path: where it is in the settings file, such as `telegram.bots[0].token`.
        what: what is wrong with it.
        expected: what would be right.
        origin: where the value came from, when not from the file.
    """

    path: str
    what: str
    expected: str
    origin: str | None = None

    def __str__(self) -> str:
        """Return one line, whatever the parts hold."""
        origin = f" (from {self.origin})" if self.origin else ""
        line = f"{self.path}{origin}: {self.what}; expected {self.expected}"
        return "".join(
            char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line
        )


class ConfigError(BridgeError):
    """Settings that cannot be used, all that is wrong with them at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))
