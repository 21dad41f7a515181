"""The base of the tables in the settings file."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pydantic import (
    BaseModel,
    ConfigDict,
)

from bot.errors import Problem


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


def repeated(values: Sequence[object], key: str, expected: str) -> Iterator[Problem]:
    """Return a problem for each bot whose value an earlier bot has too."""
    seen: Counter[object] = Counter()
    for index, value in enumerate(values):
        if value is not None and seen[value]:
            yield Problem(f"bots[{index}].{key}", "is set as for an earlier bot", expected)
        seen[value] += 1
